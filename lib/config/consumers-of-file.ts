import { nested } from '../core/option-schema/kinds.js';
import type { AnyOption, DeclaredOptions } from '../core/option-schema/option.js';
import { nearest } from '../core/option-schema/wording.js';
import type { StreamsModuleOptions } from '../nest/module/streams.module.js';
import { NAMED_DRIVER_OPTIONS } from '../options/slots-options.js';
import { BROKEN, type Values } from './assignments.js';
import { CONSUMER, CONSUMERS, NAMED_CONSUMER } from './consumer-file.js';
import { readDriverConfig } from './driver-config-reader.js';
import type { ConfigDrivers } from './config-drivers.js';
import type { FileNode } from './file-node.js';
import type { Findings } from './findings.js';
import type { Variables } from './interpolate.js';
import { moduleOptions } from './module-options.js';
import { findRecordsWithoutStore } from './records-without-store.js';
import { OptionReader, type ReadOtherwise } from './option-reader.js';

export interface FileContext {
  readonly drivers: ConfigDrivers;
  readonly variables: Variables;
  readonly findings: Findings;
}

/** One consumer of a file. */
interface ReadConsumer {
  readonly name: unknown;
  readonly values: unknown;
}

/**
 * The options of one consumer of a file. Checks the whole file, but needs only the variables of that
 * consumer.
 * @returns undefined where something is wrong: the findings say what
 */
export function consumerIn(
  file: FileNode,
  wanted: string | undefined,
  context: FileContext,
): StreamsModuleOptions | undefined {
  const isList = file.is === 'map' && file.entries.some(({ key }) => key === 'consumers');
  const consumers = isList ? consumersIn(file, wanted, context) : [onlyConsumer(file, context)];
  if (context.findings.count > 0) return undefined;
  const chosen = choose(consumers, wanted, context.findings);
  return chosen && moduleOptions(chosen.values as Values, context.drivers, consumers.length > 1);
}

function onlyConsumer(file: FileNode, context: FileContext): ReadConsumer {
  const values = readerOf(context, true).read(nested(CONSUMER) as AnyOption, file, '');
  findRecordsWithoutStore(file, '', context.findings);
  return { name: values === BROKEN ? undefined : (values as Values)['name'], values };
}

/** Reads the list of consumers. */
function consumersIn(
  file: FileNode,
  wanted: string | undefined,
  context: FileContext,
): readonly ReadConsumer[] {
  const { variables, findings } = context;
  let consumers: readonly ReadConsumer[] = [];
  const otherwise: ReadOtherwise = () => (node, path) => {
    const items = node.is === 'list' ? node.items : [];
    if (items.length === 0) {
      findings.add(node.at, path, 'must be a list of consumers that is not empty');
      return BROKEN;
    }
    consumers = items.map((item, index) => {
      const name = nameOf(item);
      const at = `${path}[${index}]`;
      if (name !== undefined && items.findIndex((one) => nameOf(one) === name) < index) {
        findings.add(item.at, `${at}.name`, 'is the name of an earlier consumer');
      }
      const reader = readerOf(context, items.length === 1 || name === wanted);
      findRecordsWithoutStore(item, at, findings);
      return { name, values: reader.read(nested(NAMED_CONSUMER) as AnyOption, item, at) };
    });
    return consumers;
  };
  const reader = new OptionReader(findings, { variables, needsVariables: true, otherwise });
  reader.readOptions(CONSUMERS as DeclaredOptions, file, '', file.at);
  return consumers;
}

/** The name of a consumer, as it is written. */
function nameOf(consumer: FileNode): unknown {
  const entries = consumer.is === 'map' ? consumer.entries : [];
  const name = entries.find(({ key }) => key === 'name')?.node;
  return name?.is === 'scalar' ? (name.value ?? undefined) : undefined;
}

function choose(
  consumers: readonly ReadConsumer[],
  wanted: string | undefined,
  findings: Findings,
): ReadConsumer | undefined {
  const names = consumers.map(({ name }) => name).filter((name) => typeof name === 'string');
  if (wanted === undefined) {
    if (consumers.length === 1) return consumers[0];
    const advice = `name one of ${names.join(', ')} as second argument of loadConfig`;
    findings.add(undefined, '', `has several consumers: ${advice}`);
    return undefined;
  }
  const found = consumers.find(({ name }) => name === wanted);
  if (found) return found;
  const meant = nearest(wanted, names);
  const there = names.length > 0 ? `there are ${names.join(', ')}` : 'its consumer has no name';
  const hint = meant === undefined ? there : `did you mean ${meant}?`;
  findings.add(undefined, '', `has no consumer "${wanted}": ${hint}`);
  return undefined;
}

/** @param needsVariables false for a consumer that is only checked */
function readerOf(context: FileContext, needsVariables: boolean): OptionReader {
  const { variables, findings } = context;
  const otherwise: ReadOtherwise = (shape, name, { driver }) =>
    shape === NAMED_DRIVER_OPTIONS && name === 'config'
      ? (node, path) => readDriverConfig(driver, node, path, { ...context, reader })
      : undefined;
  const reader: OptionReader = new OptionReader(findings, {
    variables,
    needsVariables,
    otherwise,
  });
  return reader;
}
