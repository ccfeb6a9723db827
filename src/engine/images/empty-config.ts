import type { ImageConfig } from "../../model/image.ts";

/** An image that says nothing of how to run it. */
export const EMPTY_CONFIG: ImageConfig = { user: "", env: [], volumes: [], workingDir: "", labels: {}, exposedPorts: [] };
