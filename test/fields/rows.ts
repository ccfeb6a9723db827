import type { FieldRow } from "./row.ts";
import { CONFIG_ROWS } from "./rows/config.ts";
import { HOST_ROWS } from "./rows/host.ts";
import { MOUNT_ROWS } from "./rows/mounts.ts";
import { NETWORKING_ROWS } from "./rows/networking.ts";
import { OLDER_ROWS } from "./rows/older.ts";
import { RESOURCE_ROWS } from "./rows/resources.ts";

/** What becomes of each field of create that the newest specification has. */
export const ROWS: readonly FieldRow[] = [...CONFIG_ROWS, ...RESOURCE_ROWS, ...HOST_ROWS, ...MOUNT_ROWS, ...NETWORKING_ROWS];

export const ALL_ROWS: readonly FieldRow[] = [...ROWS, ...OLDER_ROWS];
