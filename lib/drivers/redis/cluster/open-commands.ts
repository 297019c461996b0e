import type { EventBus } from '../../../core/event-bus.js';
import { ClusterCommands } from './cluster-commands.js';
import type { Commands } from '../connection/commands.js';
import { Connection } from '../connection/connection.js';
import type { Connector, Role } from '../connection/connector.js';

/**
 * Opens connections for commands, to a single server or to a cluster. Each is made when it is first
 * needed.
 */
export function openCommands(connector: Connector, events: EventBus, role: Role): Commands {
  return connector.cluster
    ? new ClusterCommands({ connector, events, role })
    : new Connection({
        connector,
        role,
        events,
        replyTimeout: connector.commandTimeout,
        lazy: true,
      });
}
