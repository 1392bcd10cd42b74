// Types of the docs page's modules, and what they use of Swagger UI.

interface Operation {
  id: string;
  method: string;
  path: string; // a template: `/api/sessions/{id}/`
  summary: string;
  tags: string[];
  secured: boolean; // whether it wants a token
}

interface State {
  access: string;
  refresh: string;
  sid: string;
  username?: string;
  at: number; // when the pair came, in milliseconds of this computer's clock
  life: number; // seconds that the access token is good for
  sessionLife: number; // seconds that the session lasts when it is not used
}

type Wrapper = (original: any, system: any) => (...given: any[]) => any;

interface SwaggerPluginParts {
  components?: Record<string, (props: any) => any>;
  wrapComponents?: Record<string, Wrapper>;
  statePlugins?: Record<
    string,
    { wrapActions?: Record<string, Wrapper>; wrapSelectors?: Record<string, Wrapper> }
  >;
}

type SwaggerPlugin = (system: any) => SwaggerPluginParts;

declare const SwaggerUIBundle: {
  (configuration: Record<string, unknown>): any;
  presets: { apis: unknown };
};
