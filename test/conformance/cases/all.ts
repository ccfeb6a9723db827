import type { Case } from "../case.ts";
import { CONTAINER_LIFE_CASES } from "./container-life.ts";
import { CONTAINER_READ_CASES } from "./container-read.ts";
import { CONTAINER_STREAM_CASES } from "./container-streams.ts";
import { EXEC_CASES } from "./exec.ts";
import { IMAGE_CASES } from "./image.ts";
import { MEMBERSHIP_CASES } from "./membership.ts";
import { NETWORK_CASES } from "./network.ts";
import { MANAGER_CASES, NO_SWARM_CASES } from "./swarm.ts";
import { SYSTEM_CASES } from "./system.ts";
import { VOLUME_CASES } from "./volume.ts";

export const CASES: readonly Case[] = [
  ...SYSTEM_CASES,
  ...CONTAINER_LIFE_CASES,
  ...CONTAINER_READ_CASES,
  ...CONTAINER_STREAM_CASES,
  ...EXEC_CASES,
  ...IMAGE_CASES,
  ...NETWORK_CASES,
  ...VOLUME_CASES,
  ...NO_SWARM_CASES,
  ...MANAGER_CASES,
  ...MEMBERSHIP_CASES,
];
