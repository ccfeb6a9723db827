import type { StateDatabase } from "../engine/state/database.ts";

/** From one format of the data root to the next. */
export interface Migration {
  readonly to: number;
  /** For the log. */
  readonly what: string;
  /** In one write, so that it is done or not; done twice it changes nothing. */
  migrate(database: StateDatabase): Promise<void>;
}

/** In order, without a gap. One that was released is never changed. */
export const MIGRATIONS: readonly Migration[] = [
  {
    to: 2,
    what: "networks are kept under a name like those of containers and volumes",
    async migrate(database) {
      const old = database.collection<unknown>("networks");
      const moved: [id: string, record: unknown][] = [];
      for await (const [id, record] of database.entries("networks/")) if (id !== TOMBSTONE) moved.push([id, record]);
      const network = database.collection<unknown>("network");
      await database.write([
        ...moved.flatMap(([id, record]) => [old.delete(id), network.put(id, record)]),
        // The first version looks there, and knows no format file: it refuses what it reads here, and does not go on without networks.
        old.put(TOMBSTONE, null),
      ]);
    },
  },
];

const TOMBSTONE = "moved";
