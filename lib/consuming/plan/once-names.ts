import type { BoundHandler } from '../../core/delivery.js';

export type OnceOption = 'dedupe' | 'inbox';
const ONCE_OPTIONS: readonly OnceOption[] = ['dedupe', 'inbox'];

/** A handler, and the pattern by which it was found. */
interface Found {
  readonly pattern: string;
  readonly handler: BoundHandler;
}

/** The name under which a handler remembers what it has handled. Undefined: it does not. */
export function onceName({ pattern, handler }: Found, option: OnceOption): string | undefined {
  const once = handler[option];
  return once && (once.name ?? pattern);
}

/** The option and name under which two handlers would remember their messages together. */
export function sharedOnceName(
  one: Found,
  other: Found,
): { readonly option: OnceOption; readonly name: string } | undefined {
  if (one.handler === other.handler) return undefined;
  for (const option of ONCE_OPTIONS) {
    const name = onceName(one, option);
    if (name !== undefined && name === onceName(other, option)) return { option, name };
  }
  return undefined;
}

/**
 * The names that version 0.1.0 used: class and method, as the program that ran then called them.
 * Where several handlers have the same name, its marks are ignored, because they cannot be told
 * apart.
 */
export class FormerNames {
  private readonly shared: Readonly<Record<OnceOption, ReadonlySet<string>>>;

  constructor(handlers: readonly BoundHandler[]) {
    this.shared = { dedupe: twice(handlers, 'dedupe'), inbox: twice(handlers, 'inbox') };
  }

  of({ name }: BoundHandler, option: OnceOption): string | undefined {
    return this.shared[option].has(name) ? undefined : name;
  }
}

function twice(handlers: readonly BoundHandler[], option: OnceOption): ReadonlySet<string> {
  const seen = new Set<string>();
  const found = new Set<string>();
  for (const handler of handlers) {
    if (!handler[option]) continue;
    if (seen.has(handler.name)) found.add(handler.name);
    seen.add(handler.name);
  }
  return found;
}
