import { countWords, letterOf, wordsOf } from './words.js';

/** A word below this one is the number of runs of one entry. */
const LARGE = 47;
/** Words from here on count entries that have run as often as is usual. */
const USUAL = 48;
/** Words behind the word `LARGE`, for a number of runs that is no smaller than that. */
const LARGE_WORDS = 3;
const MOST_RUNS = 64 ** LARGE_WORDS - 1;

/** How many letters a number of runs takes at most. */
export const lettersOf = (runs: number): number => (runs < LARGE ? 1 : 1 + LARGE_WORDS);

/**
 * Tells how often entries have run, in their order.
 * @param unusual numbers that differ from the usual one, by place; rising
 */
export function runWords(unusual: Iterable<readonly [place: number, runs: number]>): string {
  let text = '';
  let next = 0;
  for (const [place, runs] of unusual) {
    text += countWords(place - next, USUAL);
    text += runs < LARGE ? letterOf(runs) : letterOf(LARGE) + largeWords(runs);
    next = place + 1;
  }
  return text;
}

/** Reads what `runWords` has written. Undefined: the text is no such one. */
export function readRunWords(text: string): Map<number, number> | undefined {
  const words = wordsOf(text);
  if (!words) return undefined;
  const unusual = new Map<number, number>();
  let place = 0;
  for (let at = 0; at < words.length;) {
    const word = words[at]!;
    if (word >= USUAL) {
      let count = 0;
      for (; at < words.length && words[at]! >= USUAL; at++)
        count = count * 16 + words[at]! - USUAL;
      place += count;
    } else if (word < LARGE) {
      unusual.set(place++, word);
      at++;
    } else {
      const digits = words.slice(at + 1, at + 1 + LARGE_WORDS);
      if (digits.length < LARGE_WORDS) return undefined;
      unusual.set(
        place++,
        digits.reduce((runs, digit) => runs * 64 + digit, 0),
      );
      at += 1 + LARGE_WORDS;
    }
  }
  return unusual;
}

function largeWords(runs: number): string {
  const most = Math.min(runs, MOST_RUNS);
  return letterOf(most >> 12) + letterOf((most >> 6) & 63) + letterOf(most & 63);
}
