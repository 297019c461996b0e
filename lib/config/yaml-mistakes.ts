/** What is wrong with the file itself. The parser's own messages would repeat the text of the file. */
export const WHOLE_FILE = {
  empty: 'the file is empty; it must have name, slots and behavior, or a list consumers',
  tooLarge: 'the file has too many parts, or its aliases repeat too many of them',
  endless: 'the alias stands inside what it names',
} as const;

/** A variable in `{ … }` or `[ … ]`, whose braces the parser takes for its own. */
export const BARE_VARIABLE = 'inside { } and [ ] a variable needs quotation marks: "${NAME}"';

/** Mistakes of indentation, which the parser reports in other words. */
export const INDENTATION = {
  deeper:
    'the key of this line has a value already, and the next line is indented deeper: indent both alike',
  besideList:
    'this cannot stand beside a list: write consumers: above the list, and indent the keys of an item as deep as its first key',
} as const;

/** Mistakes of syntax, by the codes of the parser. */
export const SYNTAX: Readonly<Record<string, string>> = {
  ALIAS_PROPS: 'an alias takes no anchor and no tag',
  BAD_ALIAS: 'the alias names no anchor that stands before it',
  BAD_COLLECTION_TYPE: 'the tag does not fit what it stands at',
  BAD_DIRECTIVE: 'a directive that YAML does not know',
  BAD_DQ_ESCAPE: 'an escape that texts in double quotation marks do not have',
  BAD_INDENT: 'the indentation fits none of the lines above',
  BAD_PROP_ORDER: 'an anchor or tag stands at the wrong place',
  BAD_SCALAR_START: 'a text that begins like this needs quotation marks',
  BLOCK_AS_IMPLICIT_KEY: 'a key and a list or object cannot stand on one line like this',
  BLOCK_IN_FLOW: 'inside { } and [ ] only { } and [ ] may be used',
  DUPLICATE_KEY: 'the key stands here twice',
  KEY_OVER_1024_CHARS: 'the key is too long',
  MISSING_CHAR: 'a character is missing here: a colon, comma, bracket, blank or quotation mark',
  MULTILINE_IMPLICIT_KEY: 'a key must stand on one line, followed by a colon and a blank',
  MULTIPLE_ANCHORS: 'a part of the file takes one anchor',
  MULTIPLE_DOCS: 'the file must have one document; several consumers go into the list consumers',
  MULTIPLE_TAGS: 'a part of the file takes one tag',
  NON_STRING_KEY: 'a key must be a word',
  RESOURCE_EXHAUSTION: 'the file is nested too deeply',
  TAB_AS_INDENT: 'a tab indents the line; use blanks',
  TAG_RESOLVE_FAILED: 'a tag that is not known here',
  UNEXPECTED_TOKEN: 'this cannot stand here',
};
