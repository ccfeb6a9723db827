/** What images need of the system. Implemented by `system/archive.ts` and `system/overlay.ts`. */
export interface ImageArchives {
  /** Unpacks into an existing, empty folder, and never writes outside of it. @param source - The path of a plain tar, or a stream of one. */
  unpack(
    source: string | AsyncIterable<Uint8Array>,
    options: { readonly target: string; readonly isLayer: boolean; readonly bytesMax: number; readonly entriesMax: number },
  ): Promise<{ readonly sha256: string; readonly sizeBytes: number; readonly entries: number }>;
  decompress(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  syncFileSystem(path: string): Promise<void>;
  remove(paths: readonly string[]): Promise<void>;
}

export interface ImageMounts {
  mount(overlay: {
    readonly directory: string;
    readonly lower: readonly string[];
    readonly upper: string;
    readonly work: string;
    readonly target: string;
    readonly isVolatile: boolean;
  }): Promise<void>;
  unmount(target: string): Promise<void>;
  mountedUnder(folder: string): Promise<readonly string[]>;
}
