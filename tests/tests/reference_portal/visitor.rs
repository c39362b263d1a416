//! A portal to visit, and a browser to visit it with.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::{StatusCode, Version, header};
use cac_tests::portal::authority::{Authority, Issued, Subject};
use cac_tests::portal::{PersonEntry, PortalConfig, ReferencePortal};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, SignatureScheme};
use scraper::{ElementRef, Html, Selector};
use tempfile::TempDir;

pub(crate) const JANE: &str = "DOE.JANE.Q.1234567890";
pub(crate) const JANE_UPN: &str = "1234567890117001@mil";
pub(crate) const JANE_ENTRY: &str = "DOE.JANE.Q.1234567890:1234567890117001@mil:account=jane.doe";

/// A portal that knows Jane.
pub(crate) struct Setting {
    pub(crate) authority: Arc<Authority>,
    pub(crate) portal: ReferencePortal,
    config: PortalConfig,
    folder: TempDir,
}

impl Setting {
    pub(crate) fn new(adapt: impl FnOnce(&mut PortalConfig)) -> Self {
        let authority = Arc::new(Authority::new().unwrap());
        let folder = TempDir::new().unwrap();
        let mut config = PortalConfig::new(
            folder.path(),
            authority.server().unwrap(),
            authority.root_pem(),
        );
        adapt(&mut config);
        Self::start(authority, config, folder)
    }

    /// Another portal, whose cards are of the same authority.
    pub(crate) fn beside(&self, adapt: impl FnOnce(&mut PortalConfig)) -> Self {
        let folder = TempDir::new().unwrap();
        let mut config = self.config();
        folder.path().clone_into(&mut config.folder);
        adapt(&mut config);
        Self::start(Arc::clone(&self.authority), config, folder)
    }

    fn start(authority: Arc<Authority>, config: PortalConfig, folder: TempDir) -> Self {
        let portal = ReferencePortal::start(&config).unwrap();
        let setting = Self {
            authority,
            portal,
            config,
            folder,
        };
        setting.add(JANE_ENTRY);
        setting
    }

    pub(crate) fn add(&self, entry: &str) {
        let entry: PersonEntry = entry.parse().unwrap();
        self.portal.add_person(&entry.person).unwrap();
        if let Some(account) = &entry.account {
            self.portal.add_account(account, &entry.person.upn).unwrap();
            if let Some(password) = &entry.password {
                self.portal.set_password(account, password).unwrap();
            }
        }
    }

    pub(crate) fn card(&self, common_name: &str, upn: &str) -> Issued {
        self.authority
            .issue(&Subject::with_upn(common_name, upn))
            .unwrap()
    }

    pub(crate) fn restart(&mut self) {
        self.portal = ReferencePortal::start(&self.config).unwrap();
    }

    pub(crate) fn config(&self) -> PortalConfig {
        self.config.clone()
    }

    pub(crate) fn folder(&self) -> PathBuf {
        Path::canonicalize(self.folder.path()).unwrap()
    }
}

/// A browser with its cookies, and perhaps a card.
pub(crate) struct Visitor {
    origin: String,
    tls: ClientConfig,
    client: Client,
    signatures: Arc<AtomicUsize>,
}

impl Visitor {
    pub(crate) fn with_card(setting: &Setting, card: Issued) -> Self {
        Self::new(setting, Some(card))
    }

    pub(crate) fn over_http2(setting: &Setting, card: Issued) -> Self {
        let mut visitor = Self::with_card(setting, card);
        visitor.tls.alpn_protocols = vec![b"h2".to_vec()];
        visitor.client = client(&visitor.tls, Policy::limited(5));
        visitor
    }

    pub(crate) fn without_card(setting: &Setting) -> Self {
        Self::new(setting, None)
    }

    fn new(setting: &Setting, card: Option<Issued>) -> Self {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let roots = roots(setting);
        let signatures = Arc::new(AtomicUsize::new(0));
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let tls = match card {
            Some(card) => {
                let key = provider.key_provider.load_private_key(card.key).unwrap();
                builder.with_client_cert_resolver(Arc::new(Asked {
                    key: Arc::new(CertifiedKey::new(card.chain, key)),
                    signatures: Arc::clone(&signatures),
                }))
            }
            None => builder.with_no_client_auth(),
        };
        Self {
            origin: setting.portal.origin(),
            client: client(&tls, Policy::limited(5)),
            tls,
            signatures,
        }
    }

    pub(crate) async fn sign_in(&self) -> Page {
        self.get("/sign-in").await.unwrap()
    }

    /// At the host that asks for the card.
    pub(crate) async fn get(&self, path: &str) -> reqwest::Result<Page> {
        self.visit(&format!("{}{path}", self.origin)).await
    }

    pub(crate) async fn visit(&self, url: &str) -> reqwest::Result<Page> {
        Page::from_client(&self.client, url).await
    }

    /// Clicks on a link of the page.
    pub(crate) async fn follow(&self, page: &Page, link: &str) -> Page {
        let url = page.url.join(&page.attribute_of(link, "href")).unwrap();
        self.visit(url.as_str()).await.unwrap()
    }

    /// Fills in a form of the page and sends it with what it hides.
    pub(crate) async fn submit(&self, page: &Page, form: &str, typed: &[(&str, &str)]) -> Page {
        let mut fields = page.hidden_fields(form);
        for (name, value) in typed {
            fields.push(((*name).to_owned(), (*value).to_owned()));
        }
        self.post(page, form, &fields).await
    }

    /// Sends these fields and no others.
    pub(crate) async fn post(&self, page: &Page, form: &str, fields: &[(String, String)]) -> Page {
        let url = page.url.join(&page.attribute_of(form, "action")).unwrap();
        let response = self.client.post(url).form(fields).send().await.unwrap();
        Page::from_response(response).await.unwrap()
    }

    /// Without cookies, and without going where the answer leads.
    pub(crate) async fn unfollowed(&self, url: &str) -> (StatusCode, Option<String>) {
        let response = client(&self.tls, Policy::none())
            .get(url)
            .send()
            .await
            .unwrap();
        let location = response.headers().get(header::LOCATION);
        let location = location.map(|location| location.to_str().unwrap().to_owned());
        (response.status(), location)
    }

    /// Sends the form that a browser would send by itself, if the page has one.
    pub(crate) async fn on_to_the_account(&self, page: Page) -> Page {
        if page.find("body[onload]").is_some() {
            self.submit(&page, "form", &[]).await
        } else {
            page
        }
    }

    /// How many bytes of a page came, until they were that many or none were left.
    pub(crate) async fn read_at_most(&self, most: usize, path: &str) -> usize {
        let url = format!("{}{path}", self.origin);
        let mut response = self.client.get(url).send().await.unwrap();
        let mut count = 0;
        while count < most
            && let Some(chunk) = response.chunk().await.unwrap()
        {
            count += chunk.len();
        }
        count
    }

    pub(crate) fn tls(&self) -> ClientConfig {
        self.tls.clone()
    }

    /// With a list of what is not to be trusted.
    pub(crate) fn tls_with_revocations(&self, setting: &Setting, list: &str) -> ClientConfig {
        let list = CertificateRevocationListDer::from_pem_slice(list.as_bytes()).unwrap();
        let provider = self.tls.crypto_provider();
        let verifier = WebPkiServerVerifier::builder_with_provider(
            Arc::new(roots(setting)),
            Arc::clone(provider),
        )
        .with_crls([list])
        .only_check_end_entity_revocation()
        .build()
        .unwrap();
        let card = Arc::clone(&self.tls.client_auth_cert_resolver);
        ClientConfig::builder_with_provider(Arc::clone(provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_webpki_verifier(verifier)
            .with_client_cert_resolver(card)
    }

    /// Keeps what TLS remembers, and nothing else.
    pub(crate) async fn sign_in_on_a_new_connection(&self) -> Page {
        let client = client(&self.tls, Policy::limited(5));
        Page::from_client(&client, &format!("{}/sign-in", self.origin))
            .await
            .unwrap()
    }

    pub(crate) async fn sign_in_without_following(&self) -> (StatusCode, String) {
        let response = client(&self.tls, Policy::none())
            .get(format!("{}/sign-in", self.origin))
            .send()
            .await
            .unwrap();
        let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
        (response.status(), cookie.to_owned())
    }

    /// The way out of a 403.
    pub(crate) fn throw_cookies_away(&mut self) {
        self.client = client(&self.tls, Policy::limited(5));
    }

    pub(crate) async fn get_within(&self, limit: Duration, path: &str) -> reqwest::Result<()> {
        self.client
            .get(format!("{}{path}", self.origin))
            .timeout(limit)
            .send()
            .await
            .map(drop)
    }

    pub(crate) async fn header(&self, path: &str, name: header::HeaderName) -> Option<String> {
        let response = self
            .client
            .get(format!("{}{path}", self.origin))
            .send()
            .await
            .unwrap();
        let value = response.headers().get(name)?;
        Some(value.to_str().unwrap().to_owned())
    }

    /// How often the portal made the card sign.
    pub(crate) fn signatures(&self) -> usize {
        self.signatures.load(Ordering::SeqCst)
    }
}

fn roots(setting: &Setting) -> RootCertStore {
    let root = setting.authority.root_pem();
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(root.as_bytes()).unwrap())
        .unwrap();
    roots
}

fn client(tls: &ClientConfig, redirects: Policy) -> Client {
    Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .redirect(redirects)
        .cookie_store(true)
        .timeout(Duration::from_secs(30))
        .no_proxy()
        .build()
        .unwrap()
}

/// Gives the certificate and counts how often it was asked for.
#[derive(Debug)]
struct Asked {
    key: Arc<CertifiedKey>,
    signatures: Arc<AtomicUsize>,
}

impl ResolvesClientCert for Asked {
    fn resolve(
        &self,
        _root_hints: &[&[u8]],
        _schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        self.signatures.fetch_add(1, Ordering::SeqCst);
        Some(Arc::clone(&self.key))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// What was shown in the end.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) version: Version,
    pub(crate) url: Url,
    pub(crate) path: String,
    pub(crate) html: String,
}

impl Page {
    async fn from_client(client: &Client, url: &str) -> reqwest::Result<Self> {
        Self::from_response(client.get(url).send().await?).await
    }

    async fn from_response(response: reqwest::Response) -> reqwest::Result<Self> {
        Ok(Self {
            status: response.status(),
            version: response.version(),
            path: response.url().path().to_owned(),
            url: response.url().clone(),
            html: response.text().await?,
        })
    }

    /// Scheme, host and port.
    pub(crate) fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    pub(crate) fn hidden_fields(&self, form: &str) -> Vec<(String, String)> {
        let document = Html::parse_document(&self.html);
        let hidden = Selector::parse(&format!("{form} input[type=hidden]")).unwrap();
        let field = |input: ElementRef<'_>| {
            let value = |name| input.attr(name).unwrap().to_owned();
            (value("name"), value("value"))
        };
        document.select(&hidden).map(field).collect()
    }

    /// Whether a browser that runs scripts shows nothing to press or to type into.
    pub(crate) fn is_submitted_by_script_alone(&self) -> bool {
        let document = Html::parse_document(&self.html);
        let inputs = Selector::parse("input, button, select, textarea").unwrap();
        document
            .select(&inputs)
            .all(|input| input.attr("type") == Some("hidden"))
    }

    /// White space folded; nothing if no element is selected.
    pub(crate) fn find(&self, selector: &str) -> Option<String> {
        let selector = Selector::parse(selector).unwrap();
        let document = Html::parse_document(&self.html);
        let element = document.select(&selector).next()?;
        let text: String = element.text().collect();
        Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    pub(crate) fn text_of(&self, selector: &str) -> String {
        self.find(selector)
            .unwrap_or_else(|| panic!("no {selector} in {self}"))
    }

    pub(crate) fn attribute_of(&self, selector: &str, attribute: &str) -> String {
        let document = Html::parse_document(&self.html);
        let selector = Selector::parse(selector).unwrap();
        let element = document.select(&selector).next();
        element
            .and_then(|element| element.attr(attribute))
            .unwrap_or_else(|| panic!("no {attribute} in {self}"))
            .to_owned()
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}\n{}", self.status, self.path, self.html)
    }
}
