import { ADJECTIVES, SURNAMES } from "./name-words.ts";

/** `brave_hopper`, for what was given no name. */
export function madeUpName(nextUint32: () => number): string {
  const adjective = ADJECTIVES[nextUint32() % ADJECTIVES.length];
  const surname = SURNAMES[nextUint32() % SURNAMES.length];
  return `${adjective}_${surname}`;
}
