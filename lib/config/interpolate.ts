/** Variables by their names, such as `process.env`. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** `$${` stands for `${`; then `${NAME}`, `${NAME:-otherwise}` and `${NAME:?why}`. */
const VARIABLE = /\$\$\{|\$\{([A-Za-z_]\w*)(?::([-?])([^}]*))?\}|\$\{/g;

/** Names that messages show. Another one may be part of a password that has `${`. */
const LIKE_A_NAME = /^[A-Z][A-Z0-9_]*$/;

const UNNAMED =
  'a variable is not set: set it, or write ${NAME:-otherwise} (only names in capital letters are shown)';

/** A text with its variables replaced, or what is wrong with them. */
export interface Interpolated {
  readonly text: string;
  /** It had variables. */
  readonly changed: boolean;
  /** Variables that are not set, or empty where that is the same, and what is no name. */
  readonly problems: readonly string[];
}

/**
 * Replaces the variables of a text. As in a shell, `:-` and `:?` take an empty variable for one that
 * is not set, and `${NAME}` does not.
 */
export function interpolate(text: string, variables: Variables): Interpolated {
  const problems: string[] = [];
  let changed = false;
  const replaced = text.replaceAll(VARIABLE, (whole, name?: string, sign?: string, rest = '') => {
    if (whole === '$${') return '${';
    if (name === undefined) {
      problems.push(
        'a variable is written ${NAME}, ${NAME:-otherwise} or ${NAME:?why}; write $${ for ${',
      );
      return '';
    }
    changed = true;
    const value = variables[name];
    if (value !== undefined && (value !== '' || sign === undefined)) return value;
    if (sign === '-') return rest;
    if (!LIKE_A_NAME.test(name)) {
      problems.push(UNNAMED);
      return '';
    }
    const why =
      sign === '?' && rest !== '' ? `: ${rest}` : `: set it, or write \${${name}:-otherwise}`;
    problems.push(`the variable ${name} is ${value === '' ? 'empty' : 'not set'}${why}`);
    return '';
  });
  return { text: replaced, changed, problems };
}

const SCALAR = /^(?:true|false|[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)$/i;

/** What a text would be without quotation marks: a number, true or false, else the text. */
export function resolved(text: string): string | number | boolean {
  if (!SCALAR.test(text)) return text;
  const word = text.toLowerCase();
  return word === 'true' || word === 'false' ? word === 'true' : Number(text);
}
