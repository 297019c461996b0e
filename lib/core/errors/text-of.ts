/** A property of a value that may be anything. Undefined where it cannot be read. */
export function read(from: object, name: string): unknown {
  try {
    return (from as Readonly<Record<string, unknown>>)[name];
  } catch {
    return undefined;
  }
}

/** Any value as a text: a text as it is, an object as JSON where it has any. Never throws. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'function') return '[function]';
  if (typeof value !== 'object' || value === null) return String(value);
  return jsonOf(value) ?? kindOf(value);
}

function jsonOf(value: object): string | undefined {
  try {
    return JSON.stringify(value) as string | undefined;
  } catch {
    return undefined;
  }
}

function kindOf(value: object): string {
  try {
    return Object.prototype.toString.call(value);
  } catch {
    return '[object that cannot be read]';
  }
}

const CUT = ' … (cut)';

/** The beginning of a text, so that the whole is not longer than this in bytes. */
export function bounded(text: string, bytes: number): string {
  // A text has at most three bytes per code unit, so only long texts need an exact count.
  if (text.length * 3 <= bytes || (text.length <= bytes && Buffer.byteLength(text) <= bytes)) {
    return text;
  }
  const start = Buffer.from(text.slice(0, bytes)).subarray(0, bytes - Buffer.byteLength(CUT));
  // The last character may have been cut in half.
  return start.toString().replace(/\uFFFD+$/, '') + CUT;
}

/**
 * A login in a url, up to its last `@`: a password may have an `@` or a `/` that should be encoded. Another
 * url may follow behind a comma. Bounded, so that no text takes long.
 */
const LOGIN = /\b([a-z]+:\/\/)(?:(?!,[a-z]+:\/\/)[^\s"'<>]){0,512}@/gi;
/** As in a url, and in the settings of a connection to PostgreSQL. */
const PASSWORD = /\b(password=)(?:"[^"]*"|'[^']*'|[^\s&;,"']+)/gi;

/** The text of a foreign error without the passwords of urls and of settings in it. */
export const withoutPasswords = (text: string): string =>
  text.replace(LOGIN, '$1***@').replace(PASSWORD, '$1***');
