import { shownName } from '../core/errors/slot.errors.js';
import { concealed } from '../core/option-schema/concealed.js';
import type { StreamsModuleOptions } from '../nest/module/streams.module.js';
import type { NamedDriver, Slots } from '../options/slots-options.js';
import type { ConfigDrivers } from './config-drivers.js';
import { factoriesOf } from './driver-configs.js';
import type { Values } from './assignments.js';

/**
 * What a module takes, made of what a file says of a consumer.
 * @param several the file has several consumers: then each transport has the name of its consumer
 */
export function moduleOptions(
  { name, slots, behavior }: Values,
  drivers: ConfigDrivers,
  several: boolean,
): StreamsModuleOptions {
  const given = (behavior ?? {}) as Partial<StreamsModuleOptions>;
  const filled = withoutValues(slots as Slots);
  const commits = filled.stateStore ? { name, ...given.commits } : given.commits;
  const options = {
    ...(several && { name }),
    ...given,
    slots: filled,
    ...(Object.keys(drivers).length > 0 && { drivers: factoriesOf(drivers) }),
    ...(commits && { commits: { ...(name !== undefined && { name }), ...commits } }),
  } as StreamsModuleOptions;
  return concealed(options, (held) => `Options: ${Object.keys(held).join(', ')}`);
}

/** Slots whose options do not show when they are printed: they may have passwords. */
const withoutValues = (slots: Slots): Slots =>
  Object.fromEntries(
    Object.entries(slots as Record<string, NamedDriver>).map(([slot, named]) => [
      slot,
      namedWithoutValues(named),
    ]),
  ) as unknown as Slots;

function namedWithoutValues({ driver, config }: NamedDriver): NamedDriver {
  const name = shownName(driver) ?? 'a driver';
  const named = {
    driver,
    // What a schema makes of the options may be frozen.
    ...(config && { config: concealed(extensible(config), () => `Options of ${name}`) }),
  };
  return name === driver ? named : concealed(named, () => 'A driver by its name');
}

const extensible = (config: object): object =>
  Object.isExtensible(config) ? config : { ...config };
