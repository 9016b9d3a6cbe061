// What a phone is told: by the build for everybody, by a profile for one account.

/** Where the phone connects to. Empty values stand for "where this page came from". */
export interface Server {
  host: string;
  port: number;
  path: string;
}

/** What the account form is filled with; an empty string leaves a field alone. */
export interface Account {
  id: string;
  name: string;
  register: boolean;
  /** What Call dials. */
  extension: string;
}

/** A STUN or TURN server. */
export interface IceServer {
  url: string;
  username?: string;
  credential?: string;
}

/** One account's own; what it leaves out is left to the page's settings. */
export interface Profile {
  id: string;
  displayName?: string;
  name?: string;
  password?: string;
  ha1?: string;
  realm?: string;
  /** What Call dials. Releases share their profiles, so the name stays. */
  extension?: string;
  register?: boolean;
  server?: Partial<Server>;
  ice?: IceServer[];
}

/** What a build puts into a page: inert JSON in an element of its own. */
export interface Settings {
  server: Server;
  account: Account;
  ice: IceServer[];
  /** The redirect that leads to this page, such as "/cmp2k"; empty where there is none. */
  visit: string;
  /** One account's profile, where everybody may read it. */
  profile?: Profile;
  /** The fixes to leave out, by their ids. */
  without: string[];
}
