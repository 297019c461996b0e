/** A place in a file, both from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** What a file holds, with the place of each part. References are resolved. */
export type FileNode = FileMap | FileList | FileScalar;

export interface FileMap {
  readonly is: 'map';
  readonly at: Place;
  readonly entries: readonly FileEntry[];
}

export interface FileEntry {
  readonly key: string;
  readonly keyAt: Place;
  /**
   * Messages may name the key. False where it may be a value at a wrong place: a key without a
   * value, or one that is no word.
   */
  readonly nameable: boolean;
  readonly node: FileNode;
}

export interface FileList {
  readonly is: 'list';
  readonly at: Place;
  readonly items: readonly FileNode[];
}

export interface FileScalar {
  readonly is: 'scalar';
  readonly at: Place;
  readonly value: string | number | boolean | null;
}

/** What a node is, for messages. Never its value. */
export function kindOf(node: FileNode): string {
  if (node.is === 'map') return 'an object';
  if (node.is === 'list') return 'a list';
  if (node.value === null) return 'nothing';
  return { string: 'a text', number: 'a number', boolean: 'true or false' }[
    typeof node.value as 'string' | 'number' | 'boolean'
  ];
}

/** Whether the key has nothing behind it. It counts as left out. */
export const isEmpty = (node: FileNode): boolean => node.is === 'scalar' && node.value === null;

/** The path of a key inside the part of the file that has this path. */
export const joined = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

/** The path of an entry, for messages. */
export const below = (path: string, { key, nameable }: FileEntry): string =>
  joined(path, nameable ? key : '…');
