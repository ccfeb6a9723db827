import { declareChecked } from "./libc.ts";

const ioctl = declareChecked<[fd: number, request: number, bytes: Int32Array]>(
  "ioctl",
  "int ioctl(int fd, ulong request, _Out_ int *bytes)",
);
const FIONREAD = 0x541b;

/** Bytes in a pipe that nobody has read yet. @param fd - Either end. */
export function unreadBytes(fd: number): number {
  const bytes = new Int32Array(1);
  ioctl(fd, FIONREAD, bytes);
  return bytes[0] ?? 0;
}
