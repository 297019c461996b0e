import { describe, expect, it } from 'vitest';
import { difference } from '../../sample/expected-output.js';

const text = (...lines: string[]) => lines.join('\n');

describe('expected output', () => {
  it.each([
    ['the same lines', text('a', 'b'), text('a', 'b', '')],
    ['colours and trailing blanks', text('done 3'), text('\u001b[32mdone\u001b[39m 3  ', '')],
    ['a line that was drawn over', text('done'), text('10 %\r50 %\rdone')],
    ['lines left out in the middle', text('a', '...', 'd'), text('a', 'b', 'c', 'd')],
    ['no lines left out', text('a', '...', 'b'), text('a', 'b')],
    ['any start and end', text('...', 'b', '...'), text('a', 'b', 'c')],
    ['a block seen half before', text('...', 'a', 'b', '...'), text('a', 'c', 'a', 'b')],
    ['the last of several ends', text('a', '...', 'z'), text('a', 'z', 'b', 'z')],
    ['numbers', text('<number> of <number> in <number> s'), text('1,234 of -5 in 0.25 s')],
    ['text', text('id <text>, ok'), text('id 17-0, ok')],
    ['signs of regular expressions', text('a (b) [c] *'), text('a (b) [c] *')],
  ])('matches %s', (_, expected, output) => {
    expect(difference(expected, output)).toBeUndefined();
  });

  it.each([
    ['another line', text('a', 'b'), text('a', 'c')],
    ['another order', text('...', 'b', '...', 'a', '...'), text('a', 'b')],
    ['a missing line', text('a', 'b'), text('a')],
    ['one more line', text('a'), text('a', 'b')],
    ['one more line after a gap', text('a', '...', 'b'), text('a', 'b', 'c')],
    ['a word for a number', text('<number>'), text('none')],
    ['nothing for text', text('id <text>.'), text('id .')],
    ['no output', text('a'), ''],
  ])('refuses %s', (_, expected, output) => {
    expect(difference(expected, output)).toBeDefined();
  });

  it('says what it missed, and what stood there', () => {
    const found = difference(text('a', '...', 'sum 3', 'end'), text('a', 'x', 'sum 3', 'oops'));
    expect(found).toBe(text('Expected after line 3:', '  end', 'It printed:', '  oops'));
  });
});
