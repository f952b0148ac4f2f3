import type { HealthSeverity } from '../contract/health.ts';

export interface XidEntry {
  meaning: string;
  /** NVIDIA's immediate action ("resolution bucket"); null where the catalogue gives none. */
  action: string | null;
}

/**
 * XID errors of Ampere and later GPUs that are in use. Video, display and test codes are left out. Numbers, meanings and actions are those of NVIDIA's
 * Xid catalog, read in the state of October 2025: https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html
 */
const TABLE: Readonly<Record<number, readonly [meaning: string, action: string | null]>> = {
  8: ['GPU stopped processing', 'RESTART_APP'],
  11: ['invalid or corrupted push buffer stream', 'RESTART_APP'],
  13: ['graphics engine exception', 'RESTART_APP'],
  25: ['invalid or illegal push buffer stream', 'RESTART_APP'],
  31: ['GPU memory page fault', 'RESTART_APP'],
  32: ['invalid or corrupted push buffer stream', 'RESTART_APP'],
  37: ['driver firmware error', 'IGNORE'],
  38: ['driver firmware error', 'IGNORE'],
  39: ['copy engine exception', 'RESTART_APP'],
  40: ['copy engine exception', 'RESTART_APP'],
  41: ['copy engine exception', 'RESTART_APP'],
  43: ['GPU stopped processing', 'IGNORE'],
  44: ['graphics engine fault during context switch', 'IGNORE'],
  45: ['preemptive cleanup, due to previous errors', 'WORKFLOW_XID_45'],
  46: ['GPU stopped processing', 'RESET_GPU'],
  48: ['double bit ECC error', 'WORKFLOW_XID_48'],
  54: ['auxiliary power is not connected to the GPU board', 'CHECK_MECHANICALS'],
  60: ['video processor exception', 'RESTART_APP'],
  62: ['internal micro-controller halt', 'RESET_GPU'],
  63: ['GPU memory remapping event', 'IGNORE'],
  64: ['GPU memory remapping failure', 'RESET_GPU'],
  66: ['illegal access by driver', 'IGNORE'],
  67: ['illegal access by driver', 'IGNORE'],
  69: ['graphics engine class error', 'RESTART_APP'],
  70: ['copy engine 3 error', 'RESTART_APP'],
  71: ['copy engine 4 error', 'RESTART_APP'],
  72: ['copy engine 5 error', 'RESTART_APP'],
  74: ['NVLink error', 'WORKFLOW_NVLINK_ERR'],
  75: ['copy engine 6 error', 'RESTART_APP'],
  76: ['copy engine 7 error', 'RESTART_APP'],
  77: ['copy engine 8 error', 'RESTART_APP'],
  78: ['vGPU start error', 'UPDATE_SWFW'],
  79: ['GPU has fallen off the bus', 'RESTART_BM'],
  80: ['corrupted data sent to GPU', 'RESTART_APP'],
  85: ['copy engine 9 error', 'RESTART_APP'],
  92: ['high single-bit ECC error rate', 'IGNORE'],
  93: ['non-fatal violation of provisioned InfoROM wear limit', 'IGNORE'],
  94: ['contained memory error', 'RESTART_APP'],
  95: ['uncontained memory error', 'RESET_GPU'],
  109: ['context switch timeout error', 'RESET_GPU'],
  110: ['security fault error', 'RESET_GPU'],
  119: ['GSP RPC timeout', 'RESET_GPU'],
  120: ['GSP error', 'RESET_GPU'],
  121: ['C2C error', 'IGNORE'],
  136: ['link training failed', 'RESET_GPU'],
  137: ['NVLink privilege error', 'IGNORE'],
  140: ['ECC unrecovered error', 'RESET_GPU'],
  141: ['CUDA fast path error', 'IGNORE'],
  143: ['GPU initialization error', 'RESET_GPU'],
  144: ['NVLink: SAW error', 'WORKFLOW_NVLINK5_ERR'],
  145: ['NVLink: RLW error', 'WORKFLOW_NVLINK5_ERR'],
  146: ['NVLink: TLW error', 'WORKFLOW_NVLINK5_ERR'],
  147: ['NVLink: TREX error', 'WORKFLOW_NVLINK5_ERR'],
  148: ['NVLink: NVLPW_CTRL error', 'WORKFLOW_NVLINK5_ERR'],
  149: ['NVLink: NETIR error', 'WORKFLOW_NVLINK5_ERR'],
  150: ['NVLink: MSE error', 'WORKFLOW_NVLINK5_ERR'],
  151: ['key rotation error', 'RESTART_VM'],
  154: ['GPU recovery action changed', 'XID_154'],
  155: ['NVLink: software-defined error', 'RESET_GPU'],
  156: ['resource retirement event', 'RESET_GPU'],
  157: ['resource retirement failure', 'IGNORE'],
  158: ['GPU fatal timeout', 'RESET_GPU'],
  160: ['channel retirement event', 'IGNORE'],
  161: ['channel retirement failure', 'IGNORE'],
  167: ['PCIe fatal timeout', null],
  168: ['errors in the write protected region of GPU memory', null],
  169: ['internal micro-controller halt', null],
  171: ['uncorrectable DRAM error, goes with 48', null],
  172: ['uncorrectable SRAM error, goes with 48', null],
};

/** The GPU computes nothing, or nothing to be trusted, until it is reset, the node restarted, or a hand laid on it. */
const ACTIONS_NOW = new Set(['RESET_GPU', 'RESTART_BM', 'CHECK_MECHANICALS', 'WORKFLOW_XID_48', 'WORKFLOW_NVLINK_ERR']);
/** NVIDIA has them ignored, or gives no action; but it is the memory or a link that is wearing out, not a program. */
const OF_HARDWARE = new Set([63, 92, 93, 94, 121, 156, 157, 160, 161, 167, 168, 169, 171, 172]);
const OF_PROGRAMS = new Set(['RESTART_APP', 'IGNORE', 'WORKFLOW_XID_45']);

/** Undefined for numbers that the table does not have. */
export function xidEntry(xid: number): XidEntry | undefined {
  const entry = TABLE[xid];
  return entry === undefined ? undefined : { meaning: entry[0], action: entry[1] };
}

export function xidNumbers(): number[] {
  return Object.keys(TABLE).map(Number);
}

/**
 * What an XID says of its node, by NVIDIA's immediate action. `text` is the driver's line: of 144 to 150 it tells fatal errors from others,
 * and of 154 whether anything is to be done.
 */
export function xidSeverity(xid: number, text = ''): HealthSeverity | 'application' {
  if (OF_HARDWARE.has(xid)) return 'low';
  const action = xidEntry(xid)?.action;
  // Nobody knows what it is: somebody should look at the node once it is free.
  if (action === undefined || action === null) return 'low';
  if (action === 'WORKFLOW_NVLINK5_ERR')
    return /\bfatal\b/i.test(text) && !/\bnon-?fatal\b/i.test(text) ? 'high' : 'low';
  if (action === 'XID_154') return /\bto 0x0\b/i.test(text) ? 'application' : 'high';
  if (ACTIONS_NOW.has(action)) return 'high';
  return OF_PROGRAMS.has(action) ? 'application' : 'low';
}
