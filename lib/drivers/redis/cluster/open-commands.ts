import type { EventBus } from '../../../core/event-bus.js';
import { ClusterCommands } from './cluster-commands.js';
import type { Commands } from '../connection/commands.js';
import { Connection } from '../connection/connection.js';
import type { Connector, Role } from '../connection/connector.js';

/** Connections for commands, to one server or to a cluster. They are made at their first use. */
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
