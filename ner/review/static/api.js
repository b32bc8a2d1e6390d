// Calls of the server. Every change carries the token that only our own pages know.

let token = document.querySelector("meta[name=csrf]")?.content ?? "";

/** A name for what is done once, however often it is sent. */
export const newId = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** An answer of the server that is no success: `status` and the reason. */
export class Refused extends Error {
  constructor(status, detail, body) {
    super(detail);
    this.status = status;
    this.body = body;
  }
}

/** GET, or POST where there is a body. Throws `Refused`, or TypeError where there is no connection. */
export async function call(path, body) {
  const options = { headers: { accept: "application/json", "accept-language": document.documentElement.lang } };
  if (body !== undefined) {
    options.method = "POST";
    options.body = JSON.stringify(body);
    options.headers["content-type"] = "application/json";
    options.headers["x-csrf-token"] = token;
  }
  const answer = await fetch(path, options);
  const text = await answer.text();
  let data = {};
  try {
    data = JSON.parse(text);
  } catch {
    data = { detail: text };
  }
  if (answer.ok) return data;
  const detail = data.detail ?? "";
  if (answer.status === 403 && detail === "csrf" && body !== undefined) {
    const fresh = (await call("/api/me")).csrf; // the server was started again
    if (fresh !== token) {
      token = fresh;
      return call(path, body);
    }
  }
  const reason = typeof detail === "string" ? detail : detail.map((each) => each.msg).join("; ");
  throw new Refused(answer.status, reason || `HTTP ${answer.status}`, data);
}
