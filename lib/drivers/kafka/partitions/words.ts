/**
 * Texts of six-bit words, each one letter of this alphabet. The words hold what is done above a floor, or
 * how often entries have run, see `done-words.ts` and `run-words.ts`.
 */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const VALUES = new Map(Array.from(ALPHABET, (letter, value) => [letter, value]));

export const letterOf = (word: number): string => ALPHABET[word]!;

/** The words of a text. Undefined: it has another letter. */
export function wordsOf(text: string): number[] | undefined {
  const words: number[] = [];
  for (const letter of text) {
    const word = VALUES.get(letter);
    if (word === undefined) return undefined;
    words.push(word);
  }
  return words;
}

/** A count as words of four bits each, the highest first, each with `mark` added. */
export function countWords(count: number, mark: number): string {
  let text = '';
  for (let rest = count; rest > 0; rest = Math.floor(rest / 16))
    text = letterOf(mark + (rest % 16)) + text;
  return text;
}
