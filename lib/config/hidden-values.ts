/** Shorter texts are parts of too many words. */
const SHORTEST_HIDDEN = 3;

/**
 * A sentence of another package, without the texts and numbers of the options: as they are, in
 * capital or small letters, and encoded or decoded as in a URL. Of a URL also its user and password.
 */
export function withoutValues(sentence: string, config: unknown): string {
  const forms = new Set(valuesIn(config).flatMap(formsOf));
  return [...forms]
    .filter((form) => form.length >= SHORTEST_HIDDEN)
    .toSorted((a, b) => b.length - a.length)
    .reduce((text, form) => text.replaceAll(form, '…'), sentence);
}

function valuesIn(config: unknown): string[] {
  if (typeof config === 'object' && config !== null) return Object.values(config).flatMap(valuesIn);
  return typeof config === 'string' || typeof config === 'number' ? [String(config)] : [];
}

const formsOf = (value: string): string[] =>
  [value, ...credentialsIn(value)]
    .flatMap((part) => [part, changed(decodeURIComponent, part), changed(encodeURIComponent, part)])
    .flatMap((form) => [form, form.toUpperCase(), form.toLowerCase()]);

function credentialsIn(value: string): string[] {
  if (!URL.canParse(value)) return [];
  const { username, password } = new URL(value);
  return [username, password];
}

function changed(change: (text: string) => string, text: string): string {
  try {
    return change(text);
  } catch {
    // The text is not encoded, or has half a character.
    return text;
  }
}
