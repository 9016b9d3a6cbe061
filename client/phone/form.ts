// The account dialog: opens, reads, and says at the field what is wrong with it.

import { FieldProblem, type Typed } from "./account.ts";

const FIELDS = ["accountId", "accountHost"] as const;

const element = (id: string): HTMLElement => document.getElementById(id) as HTMLElement;
const field = (id: string): HTMLInputElement => element(id) as HTMLInputElement;

export class AccountForm {
  private readonly dialog = element("account-modal") as HTMLDialogElement;

  constructor(submitted: () => void) {
    element("account").addEventListener("click", () => this.open());
    element("account-form").addEventListener("submit", (event) => {
      event.preventDefault();
      submitted();
    });
    for (const id of FIELDS) field(id).addEventListener("input", () => this.complain(null));
  }

  open(): void {
    if (!this.dialog.open) this.dialog.showModal();
  }

  close(): void {
    this.dialog.close();
  }

  read(): Typed {
    return {
      id: field("accountId").value,
      name: field("accountName").value,
      password: field("accountPassword").value,
      host: field("accountHost").value,
      register: field("accountRegister").checked,
    };
  }

  /** Say at its field what is wrong, in place of what was said before. */
  complain(problem: FieldProblem | null): void {
    for (const id of FIELDS) {
      const wrong = problem?.field === id;
      field(id).setAttribute("aria-invalid", String(wrong));
      element(`${id}-problem`).textContent = wrong ? problem.message : "";
    }
    if (!problem) return;
    this.open();
    field(problem.field).focus();
  }
}
