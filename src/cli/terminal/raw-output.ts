const CR = 0x0d;
const LF = 0x0a;
const VERTICAL_TAB = 0x0b;

/**
 * Output of a program inside that has done its own line endings, for a terminal that still puts a carriage return before each line feed:
 * Node's raw mode leaves that on. A line feed that came with its return loses the return; one that came alone becomes a vertical tab, which
 * terminals take for a line feed too and the terminal driver leaves alone.
 */
export function forRawTerminal(output: Uint8Array): Uint8Array {
  if (!output.includes(LF)) return output;
  const result = new Uint8Array(output.byteLength);
  let length = 0;
  for (const [index, byte] of output.entries()) {
    if (byte === CR && output[index + 1] === LF) continue;
    const isAlone = byte === LF && index > 0 && output[index - 1] !== CR;
    result[length++] = isAlone ? VERTICAL_TAB : byte;
  }
  return result.subarray(0, length);
}
