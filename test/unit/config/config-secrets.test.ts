import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { loaded, mistakesIn } from '../../support/config-file.js';

const SECRET = 'hunterXsecret';

const redis = (line: string): string =>
  `slots:\n  message_source:\n    driver: redis\n    config:\n      ${line}\n`;

describe('a mistake shows no part of a value', () => {
  it.each([`\${${SECRET}}`, `ab\${${SECRET}:?${SECRET}}cd`])(
    'that looks like a variable: %s',
    (value) => {
      expect(mistakesIn(redis(`password: '${value}'`))).toEqual([
        '5:17 slots.message_source.config.password: a variable is not set: set it, or write ${NAME:-otherwise} (only names in capital letters are shown)',
      ]);
    },
  );

  it.each([`${SECRET}:`, `{ ${SECRET}: }`, `{ ${SECRET} }`, `"${SECRET}": ~`])(
    'that looks like a key without a value: %s',
    (line) => {
      const [mistake, ...more] = mistakesIn(
        line.startsWith('{') ? redis('').replace('config:', `config: ${line}`) : redis(line),
      );
      expect(mistake).toContain('slots.message_source.config.…: is no option of');
      expect(more).toEqual([]);
    },
  );
});

it('what is loaded shows the name of a driver only if it looks like one', () => {
  const printed = (driver: string): string => {
    const { slots } = loaded(
      `slots: { message_source: { driver: "${driver}", config: { max_keys: 1 } } }`,
    );
    const shown = [slots, slots.messageSource, (slots.messageSource as { config: object }).config];
    return shown.map((one) => inspect(one, { depth: 9 }) + JSON.stringify(one)).join('\n');
  };
  expect(printed(`redis://:${SECRET}@h`)).not.toContain(SECRET);
  expect(printed('memory')).toContain("driver: 'memory'");
});
