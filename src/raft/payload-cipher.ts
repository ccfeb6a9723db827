/** Keeps what is on disk secret. Sealed bytes name their own key, so that keys can be replaced while older ones are still needed. */
export interface PayloadCipher {
  /** The key that seals from now on. Keys are numbered upwards from 1. */
  readonly keyId: number;
  seal(plain: Uint8Array): Uint8Array;
  /** @throws when the bytes were tampered with or the key is unknown. */
  open(sealed: Uint8Array): Uint8Array;
  /** Which key sealed them. */
  keyIdOf(sealed: Uint8Array): number;
}

/** Stands for a key's number where nothing is sealed. */
export const UNSEALED = 0;
