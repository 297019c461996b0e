/** The members that a test needs of something, to any depth. */
type PartOf<T> = T extends (...args: never[]) => unknown
  ? T
  : T extends object
    ? { readonly [Name in keyof T]?: PartOf<T[Name]> }
    : T;

/**
 * An object with the members that the code under test uses, each of its type, in place of the whole.
 * What the code uses besides is undefined, and fails the test.
 */
export const standIn = <T>(part: PartOf<T>): T => part as unknown as T;

/** A value of a wrong type, as an application in JavaScript may pass it. */
export const wrongly = <T>(value: unknown): T => value as T;
