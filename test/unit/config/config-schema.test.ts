import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { format } from 'prettier';
import { describe, expect, it } from 'vitest';
import { loaded, mistakesIn } from '../../support/config-file.js';
import { configSchema } from '../../support/config-schema.js';

const validate = new Ajv2020({ allErrors: true, strictTypes: false }).compile(configSchema());

it('config.schema.json is made of the declarations (else: npm run docs:config-schema)', async () => {
  const written = await format(JSON.stringify(configSchema()), { parser: 'json', printWidth: 100 });
  await expect(written).toMatchFileSnapshot('../../../config.schema.json');
});

describe('the schema for editors', () => {
  const SLOTS = 'slots: { message_source: { driver: memory }, state_store: { driver: memory } }';

  it.each([
    [
      'the file of the consumer pattern',
      readFileSync(new URL('files/consumer-config.yaml', import.meta.url), 'utf8'),
    ],
    ['several consumers', `consumers: [{ name: a, ${SLOTS} }]`],
    [
      'durations and variables',
      `${SLOTS}\nbehavior: { idle_timeout: 5s, max_hold: 5, max_retries: "\${N:-3}", auto_commit: "\${A:-true}" }`,
    ],
    [
      'every form of an option',
      `${SLOTS}\nbehavior: { retention: { max_age: 1d }, routes: [{ events: [a], stream: b }], idempotency_window: native }`,
    ],
    [
      'keys with nothing behind them',
      'description:\nslots: { message_source: { driver: memory, config: }, state_store: }\nbehavior: { topic: , lag: , max_retries: , unmatched: , routes: , retention: , idempotency_window: }',
    ],
    ['no behavior', `${SLOTS}\nbehavior:`],
    [
      'a driver that it does not know',
      'slots: { message_source: { driver: file, config: { any: [1] } } }',
    ],
  ])('accepts %s, as loadConfig does', (_, text) => {
    expect(mistakesIn(text)).toEqual([]);
    expect(validate(parse(text))).toBe(true);
  });

  it.each([
    ['an option that there is not', `${SLOTS}\nbehavior: { colour: red }`],
    ['a number that is too small', `${SLOTS}\nbehavior: { max_retries: -1 }`],
    ['a duration that is none', `${SLOTS}\nbehavior: { max_hold: later }`],
    ['a word that is none', `${SLOTS}\nbehavior: { unmatched: nack }`],
    [
      'an option of Redis that there is not',
      'slots: { message_source: { driver: redis, config: { adress: a } } }',
    ],
    ['a driver without a name', 'slots: { message_source: { config: {} } }'],
    ['no slots', 'name: a'],
    ['slots with nothing behind them', 'name: a\nslots:'],
    ['a driver with nothing behind it', 'slots: { message_source: { driver: } }'],
    ['a consumer without a name', `consumers: [{ ${SLOTS} }]`],
    ['what only code can give', `${SLOTS}\nbehavior: { middleware: [] }`],
  ])('refuses %s, as loadConfig does', (_, text) => {
    expect(mistakesIn(text)).not.toEqual([]);
    expect(validate(parse(text))).toBe(false);
  });

  it('says that the first run is no retry', () => {
    expect(JSON.stringify(configSchema())).toContain('max_retries: 3 is max_deliveries: 4');
    expect(loaded('slots: { message_source: { driver: memory } }\nmax_retries: 3')).toMatchObject({
      maxDeliveries: 4,
    });
  });

  it('explains each option', () => {
    const silent: string[] = [];
    const look = (path: string, schema: unknown): void => {
      if (typeof schema !== 'object' || schema === null) return;
      const { properties = {} } = schema as { properties?: Record<string, object> };
      for (const [name, property] of Object.entries(properties)) {
        if (!('const' in property) && !('$ref' in property) && !('description' in property)) {
          silent.push(`${path}.${name}`);
        }
      }
      for (const [name, inner] of Object.entries(schema)) look(`${path}.${name}`, inner);
    };
    look('', configSchema());
    expect(silent).toEqual([]);
  });
});
