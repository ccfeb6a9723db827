/** Words further apart than this are not meant for each other. */
const DISTANCE_MAX = 2;

/** ` (did you mean RUN?)`, in the case of what was written; empty where nothing is near. @see buildkit util/suggest. */
export function suggestion(
  written: string,
  known: readonly string[],
  { isCaseSensitive }: { readonly isCaseSensitive: boolean },
): string {
  const fold = (text: string): string => (isCaseSensitive ? text : text.toLowerCase());
  const value = fold(written);
  if (known.some(word => fold(word) === value)) return "";
  let best: { readonly word: string; readonly distance: number } | undefined;
  for (const word of known.map(fold)) {
    const distance = editDistance(value, word);
    if (distance <= DISTANCE_MAX && distance < (best?.distance ?? Infinity)) best = { word, distance };
  }
  if (best === undefined) return "";
  const isUpper = !isCaseSensitive && written === written.toUpperCase() && written !== written.toLowerCase();
  return ` (did you mean ${isUpper ? best.word.toUpperCase() : best.word}?)`;
}

/** Levenshtein's. More than `DISTANCE_MAX` apart by length alone is not counted out. */
function editDistance(left: string, right: string): number {
  if (Math.abs(left.length - right.length) > DISTANCE_MAX) return Infinity;
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const change = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? Infinity;
}
