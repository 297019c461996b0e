import type { Connected } from '../../core/connected.js';

/** How log lines name a connection: with its slots where different drivers fill slots. */
export const connectionName = ({ role, slots }: Connected): string =>
  slots === undefined ? `${role} connection` : `${role} connection of ${slotsText(slots)}`;

/** Begins the line of a driver's own message. */
export const slotsBefore = ({ slots }: Connected): string =>
  slots === undefined ? '' : `S${slotsText(slots).slice(1)}: `;

const slotsText = (slots: readonly string[]): string =>
  `slot${slots.length > 1 ? 's' : ''} ${slots.join(' and ')}`;
