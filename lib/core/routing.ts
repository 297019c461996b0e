/** Sends the events that match to a stream. The first route that matches wins. */
export interface Route {
  /** Event types; `*` matches any run of characters, dots included. */
  readonly events: string | readonly string[];
  /** The stream of these events. */
  readonly stream: string;
}

/** From event type to stream: the same rule for producers, handlers and next steps. */
export type Router = (eventType: string) => string;

export const isWildcard = (pattern: string): boolean => pattern.includes('*');

/**
 * Compiles a pattern such as `a.*.c` to a test; `*` matches any run of characters, the empty one
 * too.
 */
export function eventMatcher(pattern: string): (eventType: string) => boolean {
  if (!isWildcard(pattern)) return (eventType) => eventType === pattern;
  const escaped = pattern.split('*').map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  const regex = new RegExp(`^${escaped.join('.*')}$`, 's');
  return (eventType) => regex.test(eventType);
}

/** Whether some event type matches both patterns. */
export function patternsOverlap(a: string, b: string): boolean {
  // reach[j]: the part of `a` read so far and b[0..j) can spell a common text.
  let reach = spellableEmpty(b);
  for (const char of a) {
    const next: boolean[] = [char === '*' && reach[0]!];
    for (let j = 1; j <= b.length; j++) {
      const other = b[j - 1]!;
      if (char === '*') next[j] = reach[j]! || next[j - 1]!;
      else if (other === '*') next[j] = next[j - 1]! || reach[j]!;
      else next[j] = other === char && reach[j - 1]!;
    }
    reach = next;
  }
  return reach[b.length]!;
}

function spellableEmpty(pattern: string): boolean[] {
  const reach = [true];
  for (let j = 1; j <= pattern.length; j++) reach[j] = reach[j - 1]! && pattern[j - 1] === '*';
  return reach;
}

export const routeEvents = (route: Route): readonly string[] =>
  typeof route.events === 'string' ? [route.events] : route.events;

/** Compiles routes to a router. An event type that no route matches is its own stream. */
export function createRouter(routes: readonly Route[]): Router {
  if (routes.length === 0) return (eventType) => eventType;
  const compiled = routes.flatMap((route) =>
    routeEvents(route).map((events) => ({ matches: eventMatcher(events), stream: route.stream })),
  );
  return (eventType) => compiled.find((route) => route.matches(eventType))?.stream ?? eventType;
}
