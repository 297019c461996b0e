import { InvalidConfigError, loadConfig } from 'nestjs-redis-streams/config';
import { describe, expect, it } from 'vitest';
import { configFile, mistakesIn, withVariables } from '../../support/config-file.js';

const SOURCE = 'slots: { message_source: { driver: memory } }\n';
const MEMORY = 'slots: { message_source: { driver: memory }, state_store: { driver: memory } }\n';

const NEEDS_STORE =
  'needs slots.state_store, where the records of progress are kept: fill the slot, or leave this key out';

/** Lines 3 and on are those of the behavior. */
const behavior = (...lines: readonly string[]): string =>
  `${MEMORY}behavior:\n${lines.map((line) => `  ${line}\n`).join('')}`;

/** Lines 5 and on are the options of Redis. */
const redis = (...lines: readonly string[]): string =>
  `slots:\n  message_source:\n    driver: redis\n    config:\n${lines.map((line) => `      ${line}\n`).join('')}`;

describe('a mistake in a file has its place, and says what to write', () => {
  it.each<[what: string, text: string, ...mistakes: string[]]>([
    [
      'an empty file',
      '',
      'the file is empty; it must have name, slots and behavior, or a list consumers',
    ],
    [
      'a list in place of a consumer',
      '- a\n',
      '1:1 must be an object with name, description, slots, behavior, not a list',
    ],
    [
      'a text in place of a consumer',
      'order-processor\n',
      '1:1 must be an object with name, description, slots, behavior, not a text',
    ],
    [
      'no slots',
      'name: a\n',
      '1:1 slots: is missing; it must be an object with message_source, state_store, dead_letter_queue',
    ],
    [
      'an empty slots',
      'slots:\n',
      '1:1 slots: is missing; it must be an object with message_source, state_store, dead_letter_queue',
    ],
    [
      'no message source',
      'slots: { state_store: { driver: memory } }\n',
      '1:8 slots.message_source: is missing; it must be an object with driver, config',
    ],
    [
      'a slot that is a text',
      'slots: { message_source: memory }\n',
      '1:26 slots.message_source: must be an object with driver, config, not a text',
    ],
    [
      'a slot without a driver',
      'slots: { message_source: { config: {} } }\n',
      '1:26 slots.message_source.driver: is missing; it must be the name of a driver',
    ],
    [
      'a misspelt slot',
      'slots: { mesage_source: { driver: memory } }\n',
      '1:8 slots.message_source: is missing; it must be an object with driver, config',
      '1:10 slots.mesage_source: is no option of slots: did you mean message_source?',
    ],
    [
      'a misspelt part',
      MEMORY + 'behaviour: {}\n',
      '2:1 behaviour: is no option of a consumer: did you mean behavior?',
    ],
    [
      'a misspelt option',
      behavior('max_retrys: 3'),
      '3:3 behavior.max_retrys: is no option of transports, clients and modules: did you mean max_retries?',
    ],
    [
      'the name that code uses',
      behavior('maxRetries: 3'),
      '3:3 behavior.maxRetries: is no option of transports, clients and modules: did you mean max_retries?',
    ],
    [
      'an unknown option',
      behavior('lag: { colour: red }'),
      '3:10 behavior.lag.colour: is no option of lag: there are interval, recovery, thresholds',
    ],
    [
      'a text for a number',
      behavior('max_retries: many'),
      '3:16 behavior.max_retries: must be a whole number of at least 0, not a text',
    ],
    [
      'a number in quotation marks',
      behavior('max_retries: "3"'),
      '3:16 behavior.max_retries: must be a whole number of at least 0, not a text: leave out the quotation marks',
    ],
    [
      'a number that is too small',
      behavior('max_retries: -1'),
      '3:16 behavior.max_retries: must be a whole number of at least 0',
    ],
    [
      'a fraction',
      behavior('max_deliveries: 1.5'),
      '3:19 behavior.max_deliveries: must be a whole number of at least 1',
    ],
    [
      'a number for a text',
      behavior('topic: 5'),
      '3:10 behavior.topic: must be the name of a stream, not a number: put it in quotation marks',
    ],
    [
      'an object for a text',
      behavior('topic: { name: a }'),
      '3:10 behavior.topic: must be the name of a stream, not an object',
    ],
    ['an empty text', behavior('topic: ""'), '3:10 behavior.topic: must be the name of a stream'],
    [
      'yes',
      behavior('auto_commit: yes'),
      '3:16 behavior.auto_commit: must be true or false, not a text: write true or false; YAML 1.2 takes yes, no, on and off for texts',
    ],
    [
      'true in quotation marks',
      behavior('auto_commit: "true"'),
      '3:16 behavior.auto_commit: must be true or false, not a text: leave out the quotation marks',
    ],
    [
      'a number for true',
      behavior('auto_commit: 1'),
      '3:16 behavior.auto_commit: must be true or false, not a number',
    ],
    [
      'a duration without a unit that there is',
      behavior('commit_interval: 5 minutes'),
      '3:20 behavior.commit_interval: must be a duration such as 5s, or a number of milliseconds, 1 at least, 86400000 at most',
    ],
    [
      'a duration that is too long',
      behavior('commit_interval: 2d'),
      '3:20 behavior.commit_interval: must be a duration such as 5s, or a number of milliseconds, 1 at least, 86400000 at most',
    ],
    [
      'another word',
      behavior('unmatched: nack'),
      "3:14 behavior.unmatched: must be 'ack', 'dead-letter' or 'leave'",
    ],
    [
      'a text among several forms',
      behavior('idempotency_window: later'),
      "3:23 behavior.idempotency_window: must be 'native' or a duration such as 5s, or a number of milliseconds, of at least 1",
    ],
    [
      'a list for an object',
      behavior('backoff: [1, 2]'),
      '3:12 behavior.backoff: must be an object with type, delay, max_delay, jitter, not a list',
    ],
    [
      'an empty item of a list',
      behavior('routes: [{ events: a, stream: b }, ~]'),
      '3:38 behavior.routes[1]: must be an object with events, stream, not nothing',
    ],
    [
      'what is missing in an item',
      behavior('routes: [{ events: a }]'),
      '3:12 behavior.routes[0].stream: is missing; it must be a text that is not empty',
    ],
    [
      'two names of one option',
      behavior('consumer_group: a', 'group: b'),
      '3:3 behavior.consumer_group: sets the same as group: give one of them',
    ],
    [
      'two ways to say how often',
      behavior('max_retries: 3', 'max_deliveries: 4'),
      '3:3 behavior.max_retries: sets the same as max_deliveries: give one of them',
    ],
    [
      'batch_size and concurrency',
      behavior('batch_size: 3', 'concurrency: 4'),
      '3:3 behavior.batch_size: sets the same as concurrency: give one of them',
    ],
    [
      'what only code can give',
      behavior('middleware: []', 'is_unrecoverable: never', 'codec: json'),
      '3:15 behavior.middleware: can only be given in code: docs/configuration.md#what-only-code-can-give',
      '4:21 behavior.is_unrecoverable: can only be given in code: docs/configuration.md#what-only-code-can-give',
      '5:10 behavior.codec: can only be given in code: docs/configuration.md#what-only-code-can-give',
    ],
    [
      'a rule of several options',
      behavior('lag: { thresholds: [{ streams: a }] }'),
      '3:23 behavior.lag.thresholds[0]: warning, critical or max_age must say how much is too much',
    ],
    [
      'two forms of a policy',
      behavior('retention: { max_lenght: 5 }'),
      '3:14 behavior.retention.max_length: is missing; it must be a whole number of at least 1',
      '3:16 behavior.retention.max_lenght: is no option of a policy with max_length: did you mean max_length?',
    ],
    [
      'a merge key',
      behavior('<<: { topic: a }'),
      '3:3 behavior.<<: merge keys are not read; name a whole object by an alias',
    ],
    ['a key twice', 'name: a\nname: b\n' + MEMORY, '2:1 the key stands here twice'],
    [
      'options of Redis that contradict each other',
      redis('url: redis://localhost:6379', 'address: localhost:6379'),
      '5:7 slots.message_source.config: host and url both say where Redis is: give one of them',
      '5:7 slots.message_source.config: port and url both say where Redis is: give one of them',
    ],
    [
      'options of Redis by their names in files',
      redis('sentinel_username: a'),
      '5:7 slots.message_source.config: sentinel_username has no effect without sentinels',
    ],
    [
      'an address that is none',
      redis('address: redis://localhost:6379'),
      '5:16 slots.message_source.config.address: must be an address such as localhost:6379; a URL such as redis://localhost:6379 goes into url',
    ],
    [
      'a port that is none',
      redis('address: localhost:99999'),
      '5:16 slots.message_source.config.address: must be an address such as localhost:6379; a URL such as redis://localhost:6379 goes into url',
    ],
    [
      'a misspelt option of Redis',
      redis('adress: localhost:6379'),
      '5:7 slots.message_source.config.adress: is no option of a connection to Redis: did you mean address?',
    ],
    [
      'what only code can give to a driver',
      redis('client: { host: a }'),
      '5:15 slots.message_source.config.client: can only be given in code: docs/configuration.md#what-only-code-can-give',
    ],
    [
      'an option of memory',
      'slots: { message_source: { driver: memory, config: { max_keys: 0 } } }\n',
      '1:64 slots.message_source.config.max_keys: must be a whole number of at least 1',
    ],
    [
      'a variable that is not set',
      redis('password: ${CONFIG_UNSET}'),
      '5:17 slots.message_source.config.password: the variable CONFIG_UNSET is not set: set it, or write ${CONFIG_UNSET:-otherwise}',
    ],
    [
      'a variable that says why it is needed',
      redis('password: ${CONFIG_UNSET:?ask the operators}'),
      '5:17 slots.message_source.config.password: the variable CONFIG_UNSET is not set: ask the operators',
    ],
    [
      'a variable among several forms',
      behavior('idempotency_window: ${CONFIG_UNSET}'),
      '3:23 behavior.idempotency_window: the variable CONFIG_UNSET is not set: set it, or write ${CONFIG_UNSET:-otherwise}',
    ],
    [
      'a variable that is no name',
      redis('password: ${1X}'),
      '5:17 slots.message_source.config.password: a variable is written ${NAME}, ${NAME:-otherwise} or ${NAME:?why}; write $${ for ${',
    ],
    [
      'an unclosed variable',
      redis('password: "${CONFIG_UNSET"'),
      '5:17 slots.message_source.config.password: a variable is written ${NAME}, ${NAME:-otherwise} or ${NAME:?why}; write $${ for ${',
    ],
    [
      'a variable of the wrong kind',
      redis('port: ${CONFIG_TEXT}'),
      '5:13 slots.message_source.config.port: must be a whole number from 1 to 65535, not a text',
    ],
    [
      'records of progress without a state store',
      `${SOURCE}behavior:\n  auto_commit: false\n  commit_interval: 5s\n  topic: a\n`,
      `3:3 behavior.auto_commit: ${NEEDS_STORE}`,
      `4:3 behavior.commit_interval: ${NEEDS_STORE}`,
    ],
    [
      'records of progress beside an empty state store, by the name in code, and beside the behavior',
      'slots: { message_source: { driver: memory }, state_store: }\ncommit_interval: 5s\nbehavior: { commits: {} }\n',
      `2:1 commit_interval: ${NEEDS_STORE}`,
      `3:13 behavior.commits: ${NEEDS_STORE}`,
    ],
    [
      'records of progress of one of several consumers',
      `consumers:\n  - { name: a, slots: &s { message_source: { driver: memory } } }\n  - { name: b, slots: *s, behavior: { auto_commit: true } }\n`,
      `3:39 consumers[1].behavior.auto_commit: ${NEEDS_STORE}`,
    ],
    [
      'a variable that is empty where that is refused',
      redis('password: ${CONFIG_EMPTY:?ask the operators}'),
      '5:17 slots.message_source.config.password: the variable CONFIG_EMPTY is empty: ask the operators',
    ],
    [
      'a key that is indented deeper than the one before it',
      `${MEMORY}behavior:\n  consumer_group: a\n    topic: b\n`,
      '3:19 the key of this line has a value already, and the next line is indented deeper: indent both alike',
    ],
    [
      'keys of a consumer beside a list',
      `- name: a\n${MEMORY}behavior:\n  topic: a\n`,
      '2:1 this cannot stand beside a list: write consumers: above the list, and indent the keys of an item as deep as its first key',
    ],
    [
      'an alias inside what it names',
      'slots: &slots { message_source: *slots }\n',
      '1:15 slots.message_source: is missing; it must be an object with driver, config',
      '1:33 the alias stands inside what it names',
    ],
    [
      'an alias without an anchor',
      'slots: *slots\n',
      '1:1 slots: is missing; it must be an object with message_source, state_store, dead_letter_queue',
      '1:8 the alias names no anchor that stands before it',
    ],
    [
      'a mistake in a part that aliases name again, once',
      'slots:\n  message_source: &m { driver: memory, config: { max_keys: 0 } }\n  state_store: *m\n',
      '2:60 slots.message_source.config.max_keys: must be a whole number of at least 1',
    ],
    [
      'a variable without quotation marks in { }',
      `slots: { message_source: { driver: memory, config: { max_keys: \${N} } } }\nbehavior:\n  topic: a\n`,
      '1:65 inside { } and [ ] a variable needs quotation marks: "${NAME}"',
    ],
    [
      'variables without quotation marks in [ ]',
      behavior('routes: [${A}, ${B}]'),
      '3:13 inside { } and [ ] a variable needs quotation marks: "${NAME}"',
    ],
    ['an unknown tag', behavior('topic: !secret a'), '3:10 a tag that is not known here'],
    ['a tab', MEMORY + 'behavior:\n	topic: a\n', '3:1 a tab indents the line; use blanks'],
    [
      'a key and a value that run together',
      'slots:\n  message_source: driver: memory\n',
      '2:19 a key and a list or object cannot stand on one line like this',
    ],
    [
      'a bracket that is not closed',
      'slots: { message_source: { driver: memory }\n',
      '2:1 the indentation fits none of the lines above',
    ],
    [
      'a quotation mark that is not closed',
      MEMORY + 'name: "a\n',
      '3:1 a character is missing here: a colon, comma, bracket, blank or quotation mark',
    ],
    [
      'several documents',
      MEMORY + '---\n' + MEMORY,
      '2:1 the file must have one document; several consumers go into the list consumers',
    ],
    [
      'a consumer without a name',
      'consumers:\n  - ' + MEMORY,
      '2:5 consumers[0].name: is missing; it must be a text that is not empty',
    ],
    [
      'two consumers of one name',
      'consumers:\n  - { name: a, slots: &s { message_source: { driver: memory } } }\n  - { name: a, slots: *s }\n',
      '3:5 consumers[1].name: is the name of an earlier consumer',
    ],
    [
      'no consumers',
      'consumers: []\n',
      '1:12 consumers: must be a list of consumers that is not empty',
    ],
    [
      'several consumers, of which none is named',
      'consumers:\n  - { name: a, slots: &s { message_source: { driver: memory } } }\n  - { name: b, slots: *s }\n',
      'has several consumers: name one of a, b as second argument of loadConfig',
    ],
    [
      'parts of one consumer beside several',
      MEMORY + 'consumers:\n  - { name: a, slots: { message_source: { driver: memory } } }\n',
      '1:1 slots: is no option of a file with several consumers: there are consumers',
    ],
  ])('%s', (_, text, ...mistakes) => {
    withVariables({ CONFIG_TEXT: 'hunter2', CONFIG_EMPTY: '' });
    expect(mistakesIn(text)).toEqual(mistakes);
  });
});

it('names all mistakes of a file, in its order, and of each of its consumers', () => {
  const text = `
consumers:
  - name: a
    slots: { message_source: { driver: redis, config: { port: 0 } } }
    behavior: { max_retries: -1, colour: red }
  - name: b
    slots: { messag_source: { driver: memory } }
    behavior: { topic: '\${CONFIG_UNSET}', max_hold: soon }
`;
  expect(mistakesIn(text, 'a').map((line) => line.split(': ')[0])).toEqual([
    '4:63 consumers[0].slots.message_source.config.port',
    '5:30 consumers[0].behavior.max_retries',
    '5:34 consumers[0].behavior.colour',
    '7:12 consumers[1].slots.message_source',
    '7:14 consumers[1].slots.messag_source',
    '8:53 consumers[1].behavior.max_hold',
  ]);
});

it('a consumer that the file does not have is named, with those that it has', () => {
  expect(mistakesIn(MEMORY, 'orders')).toEqual([
    'has no consumer "orders": its consumer has no name',
  ]);
  expect(mistakesIn(`name: order\n${MEMORY}`, 'orders')).toEqual([
    'has no consumer "orders": did you mean order?',
  ]);
  expect(mistakesIn(`name: audit\n${MEMORY}`, 'orders')).toEqual([
    'has no consumer "orders": there are audit',
  ]);
});

it('a file that cannot be read says where it was looked for', () => {
  expect(() => loadConfig('no-such-file.yaml')).toThrow(
    `no-such-file.yaml cannot be read (ENOENT): looked for ${process.cwd()}/no-such-file.yaml`,
  );
  expect(() => loadConfig('test')).toThrow('test cannot be read (EISDIR)');
});

it('gives the mistakes as data too', () => {
  const file = configFile(behavior('max_retries: -1'));
  const thrown = (() => {
    try {
      return loadConfig(file);
    } catch (error) {
      return error;
    }
  })();
  expect(thrown).toBeInstanceOf(InvalidConfigError);
  expect(thrown).toMatchObject({
    code: 'INVALID_CONFIG',
    problems: [
      {
        file,
        line: 3,
        column: 16,
        path: 'behavior.max_retries',
        message: 'must be a whole number of at least 0',
      },
    ],
  });
});

describe('a file that would take the process down', () => {
  it('by aliases that repeat each other is refused', () => {
    const lines = Array.from({ length: 12 }, (_, level) => {
      const of = level === 0 ? 'x' : `*a${level - 1}`;
      return `a${level}: &a${level} [${Array.from({ length: 10 }, () => of).join(', ')}]\n`;
    });
    expect(mistakesIn(lines.join(''))).toEqual([
      'the file has too many parts, or its aliases repeat too many of them',
    ]);
  });

  it('by its depth is refused', () => {
    expect(mistakesIn('['.repeat(50_000))).not.toEqual([]);
    expect(mistakesIn(`a: ${'['.repeat(5000)}${']'.repeat(5000)}`)).not.toEqual([]);
  });
});
