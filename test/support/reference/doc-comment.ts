import ts from 'typescript';

/** A parameter, of values or of types. */
interface NamedText {
  readonly name: string;
  readonly text: string;
}

/** What a comment says of a name, as Markdown. */
export interface DocComment {
  /** Paragraphs and lists, without code. */
  readonly text: string;
  readonly params: readonly NamedText[];
  readonly typeParams: readonly NamedText[];
  readonly returns: string;
  readonly throws: readonly string[];
  /** The words after `@default`. Empty where there are none. */
  readonly default: string;
  /** Only for the library itself. */
  readonly internal: boolean;
}

/** Elsewhere an `@` is part of the text, such as a decorator in an example. */
const TAG = /(?:^|\s)@(param|typeParam|returns|throws|default|internal)\b/;

/** The comment of a declaration. All its parts are empty where there is none. */
export function docOf(declaration: ts.Node | undefined): DocComment {
  const comments = declaration ? ts.getJSDocCommentsAndTags(declaration).filter(ts.isJSDoc) : [];
  const [text = '', ...tagged] = plain(comments.at(-1)?.getText() ?? '').split(TAG);
  const tags = tagged.flatMap((name, at) =>
    at % 2 === 0 ? [{ name, text: paragraphs(tagged[at + 1]!) }] : [],
  );
  const all = (name: string) => tags.filter((tag) => tag.name === name).map((tag) => tag.text);
  // `@param page @default the first page` is the default of the parameter before it.
  const named = (name: string): NamedText[] =>
    tags.flatMap((tag, at) => {
      if (tag.name !== name) return [];
      const [word = '', ...rest] = tag.text.split(' ');
      const next = tags[at + 1];
      const fallback = next?.name === 'default' ? `Default: ${withCode(next.text)}` : '';
      const meaning = rest.join(' ').replace(fallback ? /\.$/ : '', '');
      return [{ name: word, text: [meaning, fallback].filter(Boolean).join('. ') }];
    });
  return {
    text: paragraphs(text),
    params: named('param'),
    typeParams: named('typeParam'),
    returns: all('returns').join(' '),
    throws: all('throws'),
    default: all('default').map(withCode).join(' '),
    internal: all('internal').length > 0,
  };
}

/** The first sentences of a text, as many as a cell of a table should have, and the rest. */
export function cut(text: string, most = 230): [first: string, rest: string] {
  const [paragraph = '', ...more] = text.split('\n\n');
  if (paragraph.length <= most) return [paragraph, more.join('\n\n')];
  const sentences = paragraph.split(/(?<=[^.]\.) (?=[A-Z`0-9'])/);
  let first = sentences.shift() ?? '';
  while (sentences.length > 0 && first.length + sentences[0]!.length < most) {
    first += ` ${sentences.shift()!}`;
  }
  return [first, [sentences.join(' '), ...more].filter(Boolean).join('\n\n')];
}

/** Without the stars of the comment, and without code. `{@link X}` becomes `X`. */
const plain = (comment: string): string =>
  comment
    .replace(/^\/\*\*/, '')
    .replace(/\s*\*\/$/, '')
    .replaceAll(/^\s*\* ?/gm, '')
    .replaceAll(/:?\s*^```[\s\S]*?^```$/gm, (code) => (code.startsWith(':') ? '.' : ''))
    .replaceAll(/\{@link ([^}\s]+)[^}]*\}/g, '`$1`');

/** A default with the value at its beginning as code. */
const withCode = (text: string): string =>
  text.replace(/^('[^']*'|-?[\d.]+|true|false|\{[^}]*\}|\[\]|\w+Codec)(?=$|[\s,;:])/, '`$1`');

/** Each paragraph in one line. Lists keep their lines. */
const paragraphs = (text: string): string =>
  text
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.trim().replaceAll(/\s*\n\s*(?!\s*- )/g, ' '))
    .map((paragraph) => paragraph.replace(/^((?!- ).*)\n\s*(?=- )/, '$1\n\n'))
    .filter((paragraph) => paragraph !== '')
    .join('\n\n');
