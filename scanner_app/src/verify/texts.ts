/** What the verifier's page says, in Chinese and English. The steps' titles are those of `huanlian verify`. */
import type { KindName } from "../domain/layout.ts";
import type { Outcome, Stream } from "../domain/types.ts";
import type { Verdict } from "./verify.ts";

const zh = {
  title: "环链 · 证据包核验",
  lead: "在这台设备上核对证据包，不需要我们的服务器。除非你填写节点地址，本页不连接任何网络。",
  language: "English",
  trust: "1 信任文件",
  trustAbout: "trust.json 写明你相信哪条链、哪个合约。请从市里公布的渠道取得，不要用随证据包一起收到的那份。",
  bundle: "2 证据包",
  bundleAbout: "从任何一条记录的核验页、或批次页下载的 .json 文件。",
  choose: "选择文件",
  drop: "也可以把两个文件一起拖到本页任何地方。",
  node: "3 节点地址（可不填）",
  nodeAbout: "填写后会向它询问区块是否在链上；不填则只核对文件本身。",
  ask: "询问节点",
  none: "未选择",
  chain: "链",
  ledger: "总账",
  genesis: "创世区块",
  badTrust: "这不是信任文件",
  waiting: "还缺信任文件或证据包。",
  checking: "正在核对……",
  steps: "核对步骤",
  passed: "通过",
  failed: "不通过",
  skipped: "未核对",
  compare: "请把下面的区块哈希与你信任的节点或区块浏览器显示的比对：",
  block: "区块",
  single: "这条链由单一出块方排序。它有能力改写历史，证据包本身看不出来，只能信任它，或保留区块哈希作比对。",
  fact: "证明的内容",
  entry: "条目",
  device: "设备",
  seq: "流水号",
  stream: "类别",
  grams: "质量",
  occurred: "设备时间",
  recorded: "入账时间（区块）",
  outcome: "处理结果",
  limits: "核验说明记录未被改动、由已登记的设备签封并已入账；不说明称重本身准确，也不说明没有别的记录。",
  unknown: "未知",
  noNode: "没有填写节点地址",
};
export type Texts = typeof zh;

const en: Texts = {
  title: "Huanlian · bundle verifier",
  lead: "Checks an evidence bundle on this device, without our servers. Unless you type a node's address, this page connects to nothing.",
  language: "中文",
  trust: "1 Trust file",
  trustAbout:
    "trust.json says which chain and contract you believe in. Take it from where the city publishes it, not from whoever gave you the bundle.",
  bundle: "2 Bundle",
  bundleAbout: "The .json file from the verification page of any entry, or from a lot's page.",
  choose: "Choose a file",
  drop: "You can also drop both files anywhere on this page.",
  node: "3 Node address (optional)",
  nodeAbout: "It is asked whether the blocks are on the chain. Without it, the files alone are checked.",
  ask: "Ask the node",
  none: "none chosen",
  chain: "Chain",
  ledger: "Ledger",
  genesis: "First block",
  badTrust: "This is not a trust file",
  waiting: "A trust file or a bundle is still missing.",
  checking: "Checking…",
  steps: "Steps",
  passed: "passed",
  failed: "failed",
  skipped: "not checked",
  compare: "Compare these block hashes with those of a node or explorer that you trust:",
  block: "Block",
  single:
    "A single sequencer orders this chain's blocks. It could write another history, and no bundle can show that: trust it, or keep block hashes to compare.",
  fact: "What is proved",
  entry: "Entry",
  device: "Device",
  seq: "Sequence number",
  stream: "Stream",
  grams: "Mass",
  occurred: "Device's clock",
  recorded: "Recorded (block)",
  outcome: "Outcome",
  limits:
    "Verifying shows that the record is unaltered, sealed by an enrolled device and on the ledger. It does not show that the weighing was right, nor that there is no other record.",
  unknown: "unknown",
  noNode: "no node given",
};

export const TEXTS = { zh, en } as const;
export type Language = keyof typeof TEXTS;

export const VERDICT_TEXTS: Readonly<Record<Verdict, Readonly<Record<Language, string>>>> = {
  VALID: { zh: "有效", en: "Valid" },
  "CONSISTENT, BLOCK NOT CHECKED": { zh: "前后一致，区块未核对", en: "Consistent, block not checked" },
  INVALID: { zh: "无效", en: "Invalid" },
};

export const STEP_TITLES: readonly Readonly<Record<Language, string>>[] = [
  { zh: "证据包格式规范、字节唯一", en: "The bundle is canonical bytes of a known format" },
  { zh: "链与总账合约与信任文件一致", en: "Chain and ledger are those of the trust file" },
  { zh: "区块的交易回执中有总账的这条记录", en: "The block's receipts hold this record of the ledger" },
  { zh: "条目在这一账段之中", en: "The entry is in the recorded segment" },
  { zh: "签封覆盖该条目及其之前全部条目", en: "The device's seal covers the entry and all before it" },
  { zh: "设备证书逐级由登记员签封", en: "Registrars sealed the device's certificate, level by level" },
  { zh: "根登记员由链上机构登记处指定", en: "The registry on the chain named the root registrar" },
  { zh: "节点是信任文件所指的链与合约", en: "The node serves the trusted chain and contracts" },
  { zh: "上述区块在可信的链上", en: "These blocks are on the trusted chain" },
];

export const KIND_TEXTS: Readonly<Record<KindName, string>> = {
  lift: "收运",
  load: "装车",
  give: "交出",
  take: "接收",
  withdraw: "撤回",
  weigh: "过磅",
  merge: "合批",
  split: "拆批",
  transform: "加工转化",
  refuse: "拒收",
  redirect: "改送",
  close: "结清",
  amend: "更正",
  dispute: "争议",
  mandate: "委托",
  acknowledge: "确认",
  anchor: "锚定",
  mark: "时标",
  shift_end: "收班",
  decline: "拒绝收运",
  enrol: "设备登记",
  revoke: "吊销",
  rotate: "换钥",
  close_gap: "补缺",
  moved: "迁移",
  transcribed: "转录",
  site: "场所登记",
  place: "布桶",
};

export const STREAM_TEXTS: Readonly<Record<Stream, string>> = {
  recyclable: "可回收物",
  hazardous: "有害垃圾",
  food: "厨余垃圾",
  residual: "其他垃圾",
};

export const OUTCOME_TEXTS: Readonly<Record<Outcome, string>> = {
  applied: "已生效",
  deferred: "等待对方",
  late: "超限未登记",
  conflict: "冲突",
  quarantined: "隔离待审",
  invalid: "无效",
  unknown: "未知种类",
};
