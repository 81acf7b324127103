/** 整頁的文字：記錄了什麼、路線、救援、班組代號。 */
import type { pagesZhHans } from "./zh-Hans.ts";

export const pagesZhHant: Readonly<Record<keyof typeof pagesZhHans, string>> = {
  privacyOpen: "本應用記錄什麼",
  privacyLead: "記什麼、發到哪裡、不碰什麼，都寫在這裡。",
  privacyChain: "寫進條目，上鏈公開",
  privacyChainWhat:
    "裝置號、桶號、類別、分類品質、質量、時間；交接的單位、批次和過磅數。沒有姓名、電話和車牌。",
  privacyServer: "只發給伺服器，不上鏈",
  privacyServerWhat:
    "憑證：為什麼存疑、手改的質量、儀表讀數、紙面單據號、班組代號。鏈上只有加鹽的摘要，憑證可以刪除。",
  privacyPhone: "只留在本機",
  privacyPhoneWhat: "裝置金鑰、照片、名錄副本。金鑰誰也讀不出來；照片不上傳，只有匯出救援檔案時帶上。",
  privacyNever: "從不記錄",
  privacyNeverWhat: "位置、通訊錄、手機號、手機編號。沒有簽封的相機畫面不儲存、不上傳。",
  privacyWhere:
    "只連線 {origin}；有秤時還連線本機的秤。舊條目從本機刪除之前，向營運方指定的區塊鏈節點核對區塊，只問區塊號。沒有統計，沒有廣告。",

  routeOpen: "還沒收的桶",
  routeLeft: "還剩 {left} 桶，共 {total} 桶",
  routeAllDone: "這一類都收完了",
  routePointLeft: "剩 {n} 桶",
  routePointDone: "收完",
  routeNone: "名錄裡沒有這一類的桶。",
  routeHelp: "按本機名錄（{date}）和本班流水帳計算；別的車收的不算在內。",

  rescueCodes: "用二維碼匯出",
  rescueCodesHelp:
    "請另一台已登記的手機打開「代傳」，對準這裡，直到收齊。碼裡是條目和簽封；憑證和照片只在救援檔案裡。",
  rescueCodesNone: "沒有待上傳的條目，不用匯出。",
  rescueCodeOf: "第 {n} 張，共 {total} 張",
  rescueHold: "停住",
  rescueRun: "繼續輪換",
  rescueNext: "下一張",
  rescueRead: "代傳",
  rescueReadTitle: "代傳流水帳",
  rescueReadHint: "對準另一台手機上的救援碼",
  rescueGot: "已收 {n} 張，共 {total} 張",
  rescueFileOpen: "選擇救援檔案",
  rescueHandedIn: "已代傳 {n} 條，裝置 {device}",
  rescueHandedInHelp: "伺服器給了收據。那台裝置再連網時會自己對上，不會重複。",
  rescueRefused: "伺服器沒有收：{why}",
  rescueUnreachable: "沒有網路。碼已收齊，連上後再傳。",
  rescueBroken: "收到的內容不完整，或被改過。請從頭再掃。",
  rescueNotFile: "這不是救援檔案，或裡面沒有待上傳的條目。",
  rescueAgain: "再代傳一台",

  signOn: "班組代號",
  signOnTitle: "共用手機：誰在用？",
  signOnHelp: "填單位發的班組代號，不要寫姓名、電話和車牌。它隨憑證發給伺服器，不上鏈；收班時自動清除。",
  signOnWrong: "代號是 2 到 8 位字母或數字，不要連寫 7 位以上數字",
  signOnSave: "開始本班",
  signOnNow: "班組 {code}",
  signOnDrop: "清除代號",
};
