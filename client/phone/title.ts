// The tab's title, which is all that shows of the phone while another tab is in front.

const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Title {
  private timer = 0;
  private usual = document.title;
  private calling = "";

  /** What stands there as a rule. */
  set(usual: string): void {
    this.usual = usual;
    if (!this.calling) document.title = usual;
  }

  /** Call for attention with `text` until it is called with an empty one. */
  call(text: string): void {
    if (text === this.calling) return;
    this.calling = text;
    clearInterval(this.timer);
    document.title = text || this.usual;
    if (!text || still.matches) return;
    this.timer = window.setInterval(() => {
      document.title = document.title === text ? this.usual : text;
    }, 1000);
  }
}
