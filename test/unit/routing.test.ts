import { describe, expect, it } from 'vitest';
import { createRouter, eventMatcher, patternsOverlap } from '../../lib/core/routing.js';

describe('route', () => {
  it('sends an event type to the first route that matches, else to its own stream', () => {
    const route = createRouter([
      { events: 'issues.*', stream: 'github' },
      { events: ['push', 'issues.opened'], stream: 'other' },
    ]);
    expect(route('issues.opened')).toBe('github');
    expect(route('push')).toBe('other');
    expect(route('star.created')).toBe('star.created');
  });

  it('takes * as any run of characters, dots and nothing included', () => {
    const matches = eventMatcher('a.*.z');
    expect(matches('a.b.c.z')).toBe(true);
    expect(matches('a..z')).toBe(true);
    expect(matches('a.z')).toBe(false);
    expect(eventMatcher('*')('')).toBe(true);
  });

  it('takes every other character as itself', () => {
    expect(eventMatcher('a.b*')('aXb')).toBe(false);
    expect(eventMatcher('(a|b)[c]*')('(a|b)[c]!')).toBe(true);
  });
});

describe('patternsOverlap', () => {
  it.each([
    ['a', 'a', true],
    ['a', 'b', false],
    ['a.*', 'a.b', true],
    ['a.*', 'b.*', false],
    ['*.x', 'a.*', true],
    ['a*b', 'ab', true],
    ['a*b', 'ba', false],
    ['*', '', true],
    ['a*c', 'ab*', true],
    ['**', 'x', true],
    ['a*', '*b*c', true],
    ['a', '', false],
  ])('%s and %s: %s', (a, b, expected) => {
    expect(patternsOverlap(a, b)).toBe(expected);
    expect(patternsOverlap(b, a)).toBe(expected);
  });

  it('agrees with trying all short texts', () => {
    const letters = ['', 'a', 'b', '*'];
    const patterns = letters.flatMap((x) => letters.flatMap((y) => letters.map((z) => x + y + z)));
    const texts = ['', 'a', 'b'].flatMap((x) =>
      ['', 'a', 'b'].flatMap((y) =>
        ['', 'a', 'b'].flatMap((z) =>
          ['', 'a', 'b'].flatMap((u) => ['', 'a', 'b'].map((v) => x + y + z + u + v)),
        ),
      ),
    );
    for (const a of patterns) {
      for (const b of patterns) {
        const common = texts.some((text) => eventMatcher(a)(text) && eventMatcher(b)(text));
        expect(patternsOverlap(a, b), `${a} ${b}`).toBe(common);
      }
    }
  });
});
