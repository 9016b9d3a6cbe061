// What a phone sounds like before anybody speaks, made on the spot: no sound file to fetch.

interface Cadence {
  /** The frequencies that sound together, in Hz. */
  tones: readonly number[];
  volume: number;
  /** Seconds of sound and silence, in turn. */
  beats: readonly number[];
}

/** Here: somebody calls. */
export const RING: Cadence = { tones: [440, 554], volume: 0.12, beats: [0.35, 0.2, 0.35, 2.1] };
/** There: it rings at the other side. */
export const RINGBACK: Cadence = { tones: [425], volume: 0.04, beats: [1, 4] };

export class Ringer {
  private context: AudioContext | null = null;
  private stopSound: (() => void) | null = null;
  private playing: Cadence | null = null;

  /** To be called while a button is being pressed: a page may make no sound before that. */
  unlock(): void {
    this.context ??= new AudioContext();
    void this.context.resume();
  }

  /** Sound this, in place of what sounds now; null is silence. */
  play(cadence: Cadence | null): void {
    if (cadence === this.playing) return;
    this.playing = cadence;
    this.stopSound?.();
    this.stopSound = cadence && this.context ? sound(this.context, cadence) : null;
  }
}

function sound(context: AudioContext, { tones, volume, beats }: Cadence): () => void {
  const gain = context.createGain();
  gain.gain.value = 0;
  gain.connect(context.destination);
  const oscillators = tones.map((frequency) => {
    const oscillator = context.createOscillator();
    oscillator.frequency.value = frequency;
    oscillator.connect(gain);
    oscillator.start();
    return oscillator;
  });
  let timer = 0;
  const beat = (number: number): void => {
    const on = number % 2 === 0;
    // A jump would click.
    gain.gain.setTargetAtTime(on ? volume : 0, context.currentTime, 0.01);
    timer = window.setTimeout(beat, (beats[number] ?? 1) * 1000, (number + 1) % beats.length);
  };
  beat(0);
  return () => {
    clearTimeout(timer);
    for (const oscillator of oscillators) oscillator.stop();
    gain.disconnect();
  };
}
