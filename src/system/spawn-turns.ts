const waiting: (() => void)[] = [];
let isTaken = false;

/**
 * Resolves when a program may be started. A start holds the event loop up until the child has been given a processor, ten milliseconds on
 * a busy host: fifty in a row would add up, so there is one in each turn of the loop. Nobody waits while there are no others.
 */
export async function spawnTurn(): Promise<void> {
  if (isTaken) {
    await new Promise<void>(resolve => waiting.push(resolve));
    return;
  }
  isTaken = true;
  setImmediate(giveNext);
}

function giveNext(): void {
  const next = waiting.shift();
  if (next === undefined) {
    isTaken = false;
    return;
  }
  setImmediate(giveNext);
  next();
}
