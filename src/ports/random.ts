/** Chance, as an effect: `crypto` in `system/random.ts`, seeded in `test/sim`. */
export interface Random {
  /** Uniform in 0..2^32-1. */
  uint32(): number;
  bytes(count: number): Uint8Array;
}
