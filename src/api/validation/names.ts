import { refuseIf } from "./refuse.ts";

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** @throws OperationError `invalid`. @param name - With or without the slash in front; missing or empty is right. */
export function checkContainerName(name: string): void {
  if (name === "") return;
  refuseIf(!NAME.test(name.replace(/^\//, "")), `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
}
