import { randomBytes } from 'node:crypto';
import { delayedName } from '../../../ports/delays.js';

const NAME = /^[\w-]{1,64}$/;
const SUBJECT = /^_streams\.[^.]+\.delayed\.[^.]+\.([\w-]{1,64})$/;

/** A name that no other delayed message has. */
export const newName = (): string => randomBytes(12).toString('base64url');

/** The name in the id of a delayed message. Undefined for any other text. */
export function nameInId(id: string): string | undefined {
  const name = delayedName(id);
  return name !== undefined && NAME.test(name) ? name : undefined;
}

/** The name in the subject of a delayed message. Undefined: the subject is another one. */
export const nameInSubject = (subject: string): string | undefined => SUBJECT.exec(subject)?.[1];
