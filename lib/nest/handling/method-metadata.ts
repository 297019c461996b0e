import {
  EXCEPTION_FILTERS_METADATA,
  PARAMTYPES_METADATA,
  ROUTE_ARGS_METADATA,
} from '@nestjs/common/constants.js';

export type Method = (this: unknown, ...args: unknown[]) => unknown;

/** A parameter as Nest keeps it for a method. */
export interface DeclaredParam {
  readonly index: number;
  readonly data?: unknown;
  readonly factory?: object;
  readonly pipes?: readonly unknown[];
}

export type Params = Readonly<Record<string, DeclaredParam>>;

/** The decorated parameters, without those that `drop` names, which are removed for good. */
export function declaredParams(
  target: object,
  key: string | symbol,
  drop: (param: DeclaredParam) => boolean,
): readonly DeclaredParam[] {
  const all = (Reflect.getMetadata(ROUTE_ARGS_METADATA, target.constructor, key) ?? {}) as Params;
  const kept = Object.entries(all).filter(([, param]) => !drop(param));
  if (kept.length < Object.keys(all).length) {
    Reflect.defineMetadata(ROUTE_ARGS_METADATA, Object.fromEntries(kept), target.constructor, key);
  }
  return kept.map(([, param]) => param);
}

/** How many parameters a method has, those with defaults and without decorators included. */
export function countParams(
  target: object,
  key: string | symbol,
  method: Method,
  params: readonly DeclaredParam[],
): number {
  const types = Reflect.getMetadata(PARAMTYPES_METADATA, target, key) as unknown[] | undefined;
  return Math.max(method.length, types?.length ?? 0, ...params.map(({ index }) => index + 1));
}

/** Makes one function look like the other: by name, by length, and by what decorators left on it. */
export function imitate(original: Method, replacement: Method): Method {
  Object.defineProperty(replacement, 'name', { value: original.name, configurable: true });
  Object.defineProperty(replacement, 'length', { value: original.length, configurable: true });
  for (const key of Reflect.getOwnMetadataKeys(original) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, original), replacement);
  }
  return replacement;
}

/** Of a method's filters Nest asks the last one first. */
export function askFirst(filter: object, method: Method): void {
  const filters = Reflect.getMetadata(EXCEPTION_FILTERS_METADATA, method) as readonly object[];
  const others = filters.filter((candidate) => candidate !== filter);
  Reflect.defineMetadata(EXCEPTION_FILTERS_METADATA, [...others, filter], method);
}
