/** Loads and removes images under the data root it is given until it is killed. Started by crash.test.ts. */
import { ImageStore } from "../../../src/engine/images/store.ts";
import { StateDatabase } from "../../../src/engine/state/database.ts";
import { Archives } from "../../../src/system/archive.ts";
import { OverlayMounts } from "../../../src/system/overlay.ts";
import { dockerArchive, tarOf } from "../../fixtures/images.ts";
import { collect, FixedClock, stream } from "./store-fixture.ts";

const [dataRoot = ""] = process.argv.slice(2);
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const archives = Archives.create();
const database = await StateDatabase.open(`${dataRoot}/own-state`);
const store = await ImageStore.create({
  dataRoot,
  archives,
  mounts: new OverlayMounts(archives),
  rootfsRecords: database.collection("rootfs"),
  clock: new FixedClock(),
  log,
});
const layer = (name: string): Buffer =>
  tarOf(Array.from({ length: 20 }, (_, index) => [{ type: "file", path: `${name}/${index}` }, name] as const));
for (let round = 0; ; round++) {
  const tag = `r:${round % 5}`;
  await collect(
    store.load(stream(dockerArchive({ tags: [tag], layers: [layer("base"), layer(`l${round % 7}`)] })), { quiet: true }),
  );
  if (round === 0) process.stdout.write("loaded\n");
  if (round % 3 === 2) await store.remove(tag, { force: true, prune: true });
}
