import type { FieldRow } from "../row.ts";

/** Fields that older versions of the API have and the newest has not. */
export const OLDER_ROWS: readonly FieldRow[] = [
  {
    path: "MacAddress",
    verdict: "honoured",
    note: "of the main network, with Docker's warning that it belongs there",
    effects: [
      {
        value: "02:00:5e:00:00:08",
        with: { "HostConfig.NetworkMode": "fields" },
        in: "inspect NetworkSettings.Networks.fields.MacAddress",
        is: "02:00:5e:00:00:08",
        shown: undefined,
      },
    ],
  },
  {
    path: "HostConfig.KernelMemory",
    verdict: "warned",
    note: "no longer part of the API",
    tries: [{ value: 1_000_000, says: /Limits of kernel memory are no longer part of the API/ }],
  },
  {
    path: "HostConfig.KernelMemoryTCP",
    verdict: "warned",
    note: "no longer part of the API",
    tries: [{ value: 1_000_000, says: /Limits of kernel memory are no longer part of the API/ }],
  },
];
