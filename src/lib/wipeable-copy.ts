/**
 * A copy that `fill(0)` takes out of memory. An array of up to 64 bytes that is made in another way is a part of the JavaScript heap:
 * the garbage collector moves it, and the first system call that gets it moves it out, and what it was moved from stays as it was.
 */
export function wipeableCopy(data: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new ArrayBuffer(data.length));
  copy.set(data);
  return copy;
}
