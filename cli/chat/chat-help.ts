import { channelHelp } from './channel-commands.js';
import { contentHelp } from './content-commands.js';
import { deviceHelp } from './device-commands.js';
import { groupHelp } from './group-commands.js';
import { privacyHelp } from './privacy-commands.js';
import { safetyHelp } from './safety-commands.js';

/** How many messages are shown of a conversation that is opened. */
export const shownHistory = 20;

export const chatHelp = `  /with HANDLE         talk to somebody else, or to a group or channel: /with #TITLE
  /who                 the conversations of this device
  /history [N]         the last N messages (${shownHistory})
${contentHelp}
${safetyHelp}
${groupHelp}
${channelHelp}
${deviceHelp}
${privacyHelp}
  /quit                leave, as Ctrl-D does; what is not sent yet goes next time
  An empty line reconnects at once. A message that begins with a slash is written with two.`;
