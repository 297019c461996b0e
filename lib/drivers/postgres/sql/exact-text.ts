/**
 * The text types of PostgreSQL refuse U+0000, and change halves of surrogate pairs. These, and the
 * symbol ␚ that marks them, are stored as ␚ and four hexadecimal digits. Every other
 * text is stored as it is.
 */
const MARK = '␚';

const UNSTORABLE = /[\0␚\uD800-\uDFFF]/u;
const ALL_UNSTORABLE = /[\0␚\uD800-\uDFFF]/gu;

/** Makes a text that PostgreSQL stores. Two texts never become the same one. */
export const toStored = (text: string): string =>
  UNSTORABLE.test(text) ? text.replaceAll(ALL_UNSTORABLE, marked) : text;

/** Makes the text that {@link toStored} was given. */
export const fromStored = (stored: string): string =>
  stored.includes(MARK)
    ? stored.replaceAll(/␚([0-9a-f]{4})/g, (_, code: string) =>
        String.fromCharCode(Number.parseInt(code, 16)),
      )
    : stored;

const marked = (character: string): string =>
  MARK + character.charCodeAt(0).toString(16).padStart(4, '0');
