import { read, textOf } from './text-of.js';

/** More is not worth reading. */
const MOST = 100;
const DEEPEST = 8;

/** What a response says beside its reasons. */
const BESIDE = new Set(['statusCode', 'status', 'error', 'message']);

/**
 * Why an exception was thrown, where its message says that only as a whole: what frameworks keep in the
 * response of an HTTP exception (`getResponse()`), or in the error of an RPC exception (`getError()`).
 * Each failed rule of a validation is a text. Never throws.
 */
export function reasonsOf(thrown: object): string[] {
  const held = call(thrown, 'getResponse') ?? call(thrown, 'getError');
  if (held === undefined || held === thrown) return [];
  try {
    return textsOf(held, '', 0).slice(0, MOST);
  } catch {
    return [];
  }
}

function call(of: object, name: string): unknown {
  const method = read(of, name);
  try {
    return typeof method === 'function' ? (method.call(of) as unknown) : undefined;
  } catch {
    return undefined;
  }
}

function textsOf(value: unknown, path: string, depth: number): string[] {
  if (typeof value !== 'object' || value === null) return [path + textOf(value)];
  if (depth >= DEEPEST) return [];
  if (Array.isArray(value)) {
    return value.slice(0, MOST).flatMap((item) => textsOf(item, path, depth + 1));
  }
  const constraints = read(value, 'constraints') ?? read(value, 'children');
  return typeof constraints === 'object' && constraints !== null
    ? failedRules(value, path, depth)
    : ofResponse(value, path, depth);
}

/** Of a validation error: `{ property, constraints, children }`. */
function failedRules(value: object, path: string, depth: number): string[] {
  const constraints = read(value, 'constraints') ?? {};
  const children = read(value, 'children') ?? [];
  const rules = Object.values(constraints as object).map((rule) => path + textOf(rule));
  const within = `${path}${textOf(read(value, 'property'))}.`;
  return [...rules, ...textsOf(children, within, depth + 1)];
}

/** Of a response: its message or messages, and what it says beside. */
function ofResponse(value: object, path: string, depth: number): string[] {
  const message = read(value, 'message');
  const rest = Object.entries(value).filter(([name]) => !BESIDE.has(name));
  if (message === undefined) return rest.length === 0 ? [] : [path + textOf(value)];
  const more = rest.length === 0 ? [] : [textOf(Object.fromEntries(rest))];
  return [...textsOf(message, path, depth + 1), ...more];
}
