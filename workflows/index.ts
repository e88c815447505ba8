export { deviceLink } from './device-link.js';
export { drainWave } from './drain-wave.js';
export { gatewayRecovery } from './gateway-recovery.js';
export { mediaExpiry } from './media-expiry.js';
export { accountErasure, deviceUnlink } from './removal.js';
