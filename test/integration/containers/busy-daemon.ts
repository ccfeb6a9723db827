// A daemon that is always in the middle of something, for a test that kills it. Says what it has acknowledged, a line each.
import { aRequest } from "../../unit/engine/containers/fake-world.ts";
import { RealWorld } from "./world.ts";

const [directory = ""] = process.argv.slice(2);
const world = await RealWorld.join(directory);
const say = (word: string, id: string) => process.stdout.write(`${word} ${id}\n`);

async function work(lane: number): Promise<void> {
  for (let number = 0; ; number++) {
    const config = { cmd: ["sleep", "1000"], volumes: ["/data"] };
    const { id } = await world.engine.create(aRequest({ config, name: `c-${process.pid}-${lane}-${number}` }));
    say("created", id);
    await world.engine.start(id);
    say("started", id);
    if (number % 3 === 0) continue;
    say("removing", id);
    await world.engine.remove(id, { force: true, volumes: true, link: false });
    say("removed", id);
  }
}

say("ready", "");
await Promise.all([work(0), work(1), work(2)]);
