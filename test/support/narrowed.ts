import type { DriverFactory } from '../../lib/ports/driver.js';
import type { SourceCapabilities } from '../../lib/ports/source-capabilities.js';
import { driverWith } from './driver-with.js';

/** A driver that states other capabilities than it has, as one of another technology does. */
export const narrowed = (
  factory: DriverFactory,
  capabilities: Partial<SourceCapabilities>,
): DriverFactory =>
  driverWith(factory, ({ source }) => {
    Object.assign(source, { capabilities: { ...source.capabilities, ...capabilities } });
  });
